import type { FileRecord, TestRecord } from '../tests/record.js';
import { article, idOf } from './article.js';
import { Axis, type Row } from './axis.js';
import { Html, html } from './html.js';
import { style } from './style.js';

/** What is known of a run when its page is made; times in milliseconds since the epoch. */
export interface RunRecord {
  runId: string;
  cluster: string;
  startedAt: number;
  endedAt: number;
  phases: readonly {
    name: string;
    from: number;
    to: number;
    outcome: 'done' | 'failed' | 'cancelled';
    detail: string;
  }[];
  files: readonly FileRecord[];
  /** What failed: tests, and the setup, which is called so. */
  failures: readonly TestRecord[];
}

/** A page of a run that needs nothing but a browser. */
export function pageOf(run: RunRecord): string {
  const { runId, cluster, startedAt, endedAt, failures } = run;
  const title = `jest-kubernetes: ${counted(failures)}`;
  return `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <main>
          <h1><span class="mark ${failures.length === 0 ? 'done' : 'failed'}"></span>${counted(failures)}</h1>
          <p class="soft">
            run ${runId} on the cluster ${cluster},
            ${new Date(startedAt).toISOString().replace('T', ' ').slice(0, 19)} UTC,
            ${((endedAt - startedAt) / 1000).toFixed(1)} s
          </p>
          <h2>Timeline</h2>
          ${timeline(run)} ${legend}
          <h2>What failed</h2>
          ${failures.map(article)}
        </main>
      </body>
    </html> `.text
  }`;
}

const counted = (failures: readonly TestRecord[]): string =>
  failures.length === 1 ? `${failures[0]?.test ?? ''} failed` : `${String(failures.length)} failures`;

const legend = html`<p class="legend">
  ${[
    ['done', 'done, ready'],
    ['running', 'runs, not ready'],
    ['waiting', 'waits, warning'],
    ['failed', 'failed'],
    ['pending', 'not started'],
  ].map(([state = '', words = '']) => html`<span><i class="mark ${state}"></i>${words}</span>`)}
</p>`;

function timeline({ startedAt, endedAt, phases, files, failures }: RunRecord): Html {
  const axis = new Axis([startedAt, endedAt, ...files.map(({ endedAt: end }) => end)]);
  const linkOf = (file: string, test: string): string | undefined => {
    const ofFile = failures.filter((each) => each.file === file);
    const found =
      ofFile.find((each) => each.test === test) ??
      // a test that its block's hook has failed
      ofFile.find(
        (each) =>
          /(?:before|after)All$/.test(each.test) && test.startsWith(each.test.replace(/ ?\w+All$/, '')),
      );
    return found && `#${idOf(found)}`;
  };
  const rows: Row[] = files.flatMap(({ file, startedAt: from, endedAt: to, tests }) => [
    { label: file, bars: [{ from, to, state: 'pending', what: file }] },
    ...tests.map(({ name, startedAt: began, endedAt: ended, failed }) => ({
      label: `\u2003${name}`,
      title: name,
      bars: [
        { from: began, to: ended, state: failed ? 'failed' : 'done', what: name, href: linkOf(file, name) },
      ],
    })),
  ]);
  const pods = new Map(failures.flatMap(({ pods: each }) => each).map((pod) => [pod.name, pod]));
  return axis.chart([
    {
      heading: 'Phases',
      rows: phases.map(({ name, from, to, outcome, detail }) => ({
        label: name,
        bars: [{ from, to, state: outcome, what: detail === '' ? name : `${name}: ${detail}` }],
      })),
    },
    { heading: 'Tests', rows },
    {
      heading: 'Pods of what failed',
      rows: [...pods.values()].map(({ name, parts }) => ({ label: name, bars: parts })),
    },
  ]);
}
