import type { FileRecord, TestRecord } from '../tests/record.js';
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

const idOf = (failure: TestRecord): string => `t-${failure.folder.replace(/[^\w-]+/g, '-')}`;

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

/** `docker login` as code. */
const withCode = (text: string): Html =>
  html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;

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

function article(failure: TestRecord): Html {
  const { file, test, startedAt, endedAt, error, cause, lacks, pods, events, logs, changes, unseen, folder } =
    failure;
  const lines = linesOf(failure);
  const axis = new Axis([startedAt, endedAt, ...lines.map(({ at }) => at)]);
  const why =
    cause &&
    html`<div class="cause">
      <b>${cause.sentence} <span class="code">${cause.code}</span></b>
      ${
        cause.evidence.length > 0
          ? html`<ul>
              ${cause.evidence.map((line) => html`<li>${line}</li>`)}
            </ul>`
          : undefined
      }
      <div>→ ${withCode(cause.remedy)}</div>
    </div>`;
  return html`<article id="${idOf(failure)}">
    <h2>${test}</h2>
    <p class="soft">
      ${file}${file === '' ? '' : ', '}${((endedAt - startedAt) / 1000).toFixed(1)}
      s${folder === '' ? undefined : html`, <a href="${encodeURI(folder)}/">${folder}</a>`}
    </p>
    ${why}${lacks.map((each) => html`<p>waited for in vain: ${each}</p>`)}
    <pre>${error}</pre>
    ${axis.chart([
      {
        heading: 'Test',
        rows: [{ label: test, bars: [{ from: startedAt, to: endedAt, state: 'failed', what: test }] }],
      },
      { heading: 'Pods', rows: pods.map(({ name, parts }) => ({ label: name, bars: parts })) },
      {
        heading: 'Moments',
        rows: [
          {
            label: 'events',
            bars: [],
            dots: events.map(({ at, object, reason, isWarning }) => ({
              at,
              state: isWarning ? 'warning' : 'normal',
              what: `${object} ${reason}`,
            })),
          },
          {
            label: 'log lines',
            bars: [],
            dots: logs
              .slice(-200)
              .map(({ at, source, text }) => ({ at, state: 'running', what: `${source}: ${text}` })),
          },
          {
            label: 'changes',
            bars: [],
            dots: changes.map(({ at, object, what }) => ({ at, state: 'done', what: `${object} ${what}` })),
          },
        ].filter(({ dots }) => dots.length > 0),
      },
    ])}
    ${
      lines.length === 0
        ? undefined
        : html`<details open>
            <summary>Events, logs and changes, in their order</summary>
            <div class="lines">
              <table>
                ${lines.map(
                  ({ at, kind, source, text }) =>
                    html`<tr class="${kind}">
                      <td>${axis.offset(at)}</td>
                      <td title="${source}">${source}</td>
                      <td>${text}</td>
                    </tr> `,
                )}
              </table>
            </div>
          </details>`
    }
    ${unseen.length === 0 ? undefined : html`<p class="soft">What could not be had: ${unseen.join('; ')}</p>`}
  </article> `;
}

interface Line {
  at: number;
  kind: string;
  source: string;
  text: string;
}

/** On one axis; of what was at the same time, its cause first. */
function linesOf({ events, logs, changes }: TestRecord): Line[] {
  return [
    ...changes.map(({ at, object, what }) => ({ at, kind: 'change', source: object, text: what })),
    ...events.map(({ at, object, reason, message, times, isWarning }) => ({
      ...{ at, kind: isWarning ? 'warning' : 'event', source: object },
      text: `${reason}${times > 1 ? ` (${String(times)} times)` : ''}: ${message}`,
    })),
    ...logs.map(({ at, source, text }) => ({ at, kind: 'log', source, text })),
  ].sort((a, b) => a.at - b.at);
}
