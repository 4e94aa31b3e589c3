/** Written so that any Node.js can read what it is compiled to: an older one loads this file, and nothing after it. */
const needed = [22, 22] as const;

/** Ends the process with one line where its Node.js is too old: what is loaded next would fail in ways of its own. */
export function refuseOldNode(): void {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  if (major > needed[0] || (major === needed[0] && minor >= needed[1])) return;
  process.stderr.write(
    `jest-kubernetes needs Node.js ${needed.join('.')} or newer, and this is ${process.version} (NODE_TOO_OLD).\n`,
  );
  process.exit(1);
}
