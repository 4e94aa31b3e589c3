import { appendFileSync, existsSync, statSync } from 'node:fs';
import path from 'node:path';

/*
 * What GitHub Actions understands of a log, and shows beside it: docs.github.com, “Workflow commands for GitHub Actions”.
 */

export const isInActions = (env: NodeJS.ProcessEnv): boolean => env['GITHUB_ACTIONS'] === 'true';

/** A place in a file of the repository. */
export interface Place {
  /** Absolute path, or one from the working directory. */
  file: string;
  /** Counted from 1. Default: the whole file. */
  line?: number | undefined;
}

export interface Annotation {
  title: string;
  text: string;
  place?: Place | undefined;
}

/** An annotation, as a line of the log. */
export function annotation({ title, text, place }: Annotation, env: NodeJS.ProcessEnv): string {
  const properties = {
    ...(place === undefined ? {} : { file: inRepository(place.file, env), line: place.line }),
    title,
  };
  const given = Object.entries(properties).filter(([, value]) => value !== undefined);
  return `::error ${given.map(([name, value]) => `${name}=${escapeProperty(String(value))}`).join(',')}::${escapeText(text)}`;
}

export const groupBegins = (title: string): string => `::group::${escapeText(title)}`;
export const groupEnds = '::endgroup::';

/** A file as it may stand in an error's words: with a line behind it, and maybe a column. */
const named =
  /(?:^|[\s("'“])((?:\/|\.{0,2}\/)?[\w@.-][\w@./-]*\.(?:ya?ml|json|[cm]?[jt]sx?|sql))(?::(\d+))?(?::\d+)?(?=$|[\s:,)"'”])/gm;

/** The first file that words name and that is there. */
export function placeIn(words: string): Place | undefined {
  for (const [, file = '', line] of words.matchAll(named)) {
    if (existsSync(file)) return { file, line: line === undefined ? undefined : Number(line) };
  }
  return undefined;
}

/** Adds Markdown to the job's summary; where that cannot be, nothing is lost but that. */
export function addToSummary(markdown: string, env: NodeJS.ProcessEnv): void {
  const file = env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return;
  try {
    // a step may write a megabyte, and loses all of it with one byte more
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size + Buffer.byteLength(markdown) <= summaryLimit) appendFileSync(file, markdown);
  } catch {
    // the log has it all
  }
}

/** In bytes: docs.github.com, “Adding a job summary”. */
const summaryLimit = 1024 * 1024;

/** GitHub knows a file by its path in the repository. */
function inRepository(file: string, env: NodeJS.ProcessEnv): string {
  const relative = path.relative(env['GITHUB_WORKSPACE'] ?? process.cwd(), path.resolve(file));
  return relative.startsWith('..') ? file : relative;
}

const escapeText = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapeProperty = (text: string): string =>
  escapeText(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
