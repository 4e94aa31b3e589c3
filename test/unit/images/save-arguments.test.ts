import { saveArguments } from '../../../src/images/import.js';
import type { ContainerRuntime } from '../../../src/runtime/index.js';

type Versions = [name: ContainerRuntime['name'], version: string, byPlatform: boolean];

test.each<Versions>([
  ['docker', '28.5.2+dfsg4', true], // Debian's
  ['docker', '29.0.0', true],
  ['docker', '27.5.1', false],
  ['docker', '20.10.24+dfsg1', false],
  ['docker', 'dev', false],
  ['podman', '4.3.1', false],
  ['podman', '28.0.0', false],
  ['nerdctl', '2.0.3', true],
])('%s %s saves one platform: %s', (name, version, byPlatform) => {
  expect(saveArguments({ name, version, platform: 'linux/arm64' }, 'shop/api:test')).toEqual(
    byPlatform ? ['save', '--platform', 'linux/arm64', 'shop/api:test'] : ['save', 'shop/api:test'],
  );
});
