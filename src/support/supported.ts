/** Written so that any Node.js can read what it is compiled to: an older one loads this file, and nothing after it. */
const needed = [22, 22] as const;

/** What is asked of a process: its own, but in a test. */
type Machine = Pick<NodeJS.Process, 'platform' | 'version' | 'versions'>;

/** One line that says why nothing can be done here; undefined where all is well. */
export function whyUnsupported({ platform, version, versions }: Machine): string | undefined {
  if (platform === 'win32') {
    return 'jest-kubernetes runs on Linux and macOS, and on Windows within WSL 2: install it, and run the tests there (PLATFORM_UNSUPPORTED).';
  }
  const [major, minor] = versions.node.split('.').map(Number) as [number, number];
  if (major > needed[0] || (major === needed[0] && minor >= needed[1])) return undefined;
  return `jest-kubernetes needs Node.js ${needed.join('.')} or newer, and this is ${version} (NODE_TOO_OLD).`;
}

/** Ends the process with one line where it cannot do its work: what is loaded next would fail in ways of its own. */
export function refuseUnsupported(): void {
  const why = whyUnsupported(process);
  if (why === undefined) return;
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
