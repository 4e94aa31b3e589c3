import { execFileSync } from 'node:child_process';

import { dumpOptions, type LocalServer, settingsInCluster, untilItAnswers } from './local-server.js';

/** The server of an image, in a container of its own on 127.0.0.1, without a cluster. */
export async function imageServer(image: string): Promise<LocalServer> {
  const docker = (...args: string[]): string =>
    execFileSync('docker', args, { encoding: 'utf8', maxBuffer: 2 ** 28 }).trim();
  const settings = Object.entries(settingsInCluster()).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const id = docker(
    ...['run', '--detach', '--rm', '--publish', '127.0.0.1::5432', '--label', 'jest-kubernetes-test'],
    ...['--env', 'POSTGRES_USER=app', '--env', 'POSTGRES_PASSWORD=app', '--env', 'POSTGRES_DB=postgres'],
    ...[image, 'postgres', ...settings],
  );
  const port = Number(docker('port', id, '5432/tcp').split(':').at(-1));
  const address = { host: '127.0.0.1', port, user: 'app', password: 'app' };
  const stop = (): Promise<void> => {
    docker('rm', '--force', '--volumes', id);
    return Promise.resolve();
  };
  try {
    await untilItAnswers(address, 60_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    stop,
    dump: (database) =>
      docker(
        'exec',
        '--user',
        'postgres',
        '--env',
        'PGPASSWORD=app',
        '--env',
        'PGOPTIONS=-c role=none',
        id,
        'pg_dump',
        '-h',
        '127.0.0.1',
        '-U',
        'app',
        ...dumpOptions,
        database,
      ),
  };
}
