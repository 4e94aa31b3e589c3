import { whyUnsupported } from '../../../src/support/supported.js';

const machine = (platform: NodeJS.Platform, node: string) => ({
  platform,
  version: `v${node}`,
  versions: { ...process.versions, node },
});

test.each([
  ['linux', '22.22.0'],
  ['darwin', '24.1.0'],
  ['linux', '26.0.0'],
] as const)('%s with Node.js %s', (platform, node) => {
  expect(whyUnsupported(machine(platform, node))).toBeUndefined();
});

test.each(['22.21.9', '20.19.0', '18.0.0'])('Node.js %s is too old', (node) => {
  expect(whyUnsupported(machine('linux', node))).toBe(
    `jest-kubernetes needs Node.js 22.22 or newer, and this is v${node} (NODE_TOO_OLD).`,
  );
});

test('on Windows one sentence names WSL 2', () => {
  expect(whyUnsupported(machine('win32', '24.1.0'))).toMatch(
    /^jest-kubernetes .* WSL 2.* \(PLATFORM_UNSUPPORTED\)\.$/,
  );
});
