import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { type Manifests, readManifests } from '../src/kubernetes/index.js';

interface Release {
  values?: (string | Record<string, unknown>)[];
  release?: string;
  namespace?: string;
}

/** A folder for each test of a file, with a chart called `shop` in it. */
export class ChartFolder {
  path = '';

  constructor() {
    beforeEach(async () => {
      this.path = await mkdtemp(join(tmpdir(), 'chart-'));
    });
    afterEach(() => rm(this.path, { recursive: true, force: true }));
  }

  async write(name: string, text: string): Promise<string> {
    const file = join(this.path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  }

  /** The chart, as the command renders it. */
  read(
    command: string,
    { values = [], release = 'shop', namespace = 'default' }: Release = {},
  ): Promise<Manifests> {
    return readManifests([{ kind: 'helm', path: join(this.path, 'shop'), values, release, namespace }], {
      find: () => Promise.resolve(command),
    });
  }
}

export const configMap = (name: string, annotations = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}${annotations === '' ? '' : `, annotations: { ${annotations} }`} }\n`;
