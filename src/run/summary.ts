import type { FileRecord } from '../diagnose/index.js';
import { addToSummary, formatSeconds, isInActions, type TimelineEntry } from '../report/index.js';
import { formatError } from '../support/errors.js';
import { masker } from '../support/mask.js';

export interface Summarised {
  cluster: string;
  timeline: readonly TimelineEntry[];
  /** What the set-up came to nothing with. */
  failure?: unknown;
  files: readonly FileRecord[];
  /** Path of the page of what failed. */
  page?: string | undefined;
}

const marks: Record<TimelineEntry['outcome'], string> = { done: '✅', failed: '❌', cancelled: '➖' };

/** One line of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');

/** The run in the summary of GitHub Actions’ job: its phases as a table and, where it is red, the causes. */
export function writeSummary(run: Summarised, env: NodeJS.ProcessEnv): void {
  if (isInActions(env)) addToSummary(masker()(markdown(run)), env);
}

function markdown({ cluster, timeline, failure, files, page }: Summarised): string {
  const red = files.flatMap(({ file, tests }) =>
    tests.filter(({ failed }) => failed).map(({ name, cause }) => ({ file, name, cause })),
  );
  const total = Math.max(0, ...timeline.map(({ end }) => end));
  const heading =
    failure === undefined
      ? `the cluster ${cluster} was ready after ${formatSeconds(total)}`
      : `the cluster ${cluster} was not set up`;
  const rows = timeline.map(
    ({ phase, start, end, outcome, detail }) =>
      `| ${marks[outcome]} | ${cell(phase)} | ${formatSeconds(start)} | ${formatSeconds(end - start)} | ${cell(detail)} |`,
  );
  return [
    `### jest-kubernetes: ${heading}\n`,
    ...(failure === undefined ? [] : [fenced(formatError(failure))]),
    ...red.map(({ file, name, cause }) =>
      [`❌ **${file}**: ${name}\n`, ...(cause === undefined ? [] : [fenced(cause)])].join('\n'),
    ),
    ...(page === undefined ? [] : [`What failed, on one page: \`${page}\`\n`]),
    ...(rows.length === 0
      ? []
      : ['| | Phase | Begun after | Took | |\n| --- | --- | ---: | ---: | --- |', ...rows, '']),
    '',
  ].join('\n');
}

/** With a fence that is longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}\n`;
}
