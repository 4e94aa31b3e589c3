import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Where a Docker engine may answer. */
export interface DockerAddress {
  /** As DOCKER_HOST has it: `unix:///var/run/docker.sock`, `tcp://localhost:2375`. */
  host: string;
  /** Who says so, for error messages. */
  source: string;
  /** The user named it: no other is tried in its stead. */
  named: boolean;
  /** Folder of ca.pem, cert.pem and key.pem; undefined without TLS. */
  certificates: string | undefined;
}

const defaultDockerHost = 'unix:///var/run/docker.sock';

/**
 * The addresses to try, in the order of testcontainers' detection strategies, so that images pulled through it are
 * in the engine that kind uses. One that the user named is the only one. What testcontainers does not look at, the
 * Docker CLI's current context (colima, OrbStack), comes last.
 */
export function dockerAddresses(env: NodeJS.ProcessEnv): DockerAddress[] {
  const properties = testcontainersProperties(env);
  const verifies = (env['DOCKER_TLS_VERIFY'] ?? properties['docker.tls.verify']) === '1';
  const folder = env['DOCKER_CERT_PATH'] ?? properties['docker.cert.path'];
  // absolute, as it is told to processes in other folders
  const certificates = verifies && folder ? path.resolve(folder) : undefined;
  const named = [
    {
      host: properties['tc.host'],
      source: 'tc.host in ~/.testcontainers.properties',
      certificates: undefined,
    },
    { host: env['DOCKER_HOST'], source: 'DOCKER_HOST', certificates },
    { host: properties['docker.host'], source: 'docker.host in ~/.testcontainers.properties', certificates },
  ];
  for (const { host, ...rest } of named) if (host) return [{ host, ...rest, named: true }];

  const home = homeOf(env);
  const rootless = [
    ...(!env['XDG_RUNTIME_DIR'] ? [] : [path.join(env['XDG_RUNTIME_DIR'], 'docker.sock')]),
    path.join(home, '.docker/run/docker.sock'),
    path.join(home, '.docker/desktop/docker.sock'),
    `/run/user/${process.getuid?.() ?? 0}/docker.sock`,
  ].find((socket) => existsSync(socket));
  const context = currentContextHost(env);
  return [
    { host: defaultDockerHost, source: 'the default socket' },
    ...(rootless === undefined ? [] : [{ host: `unix://${rootless}`, source: 'the rootless socket' }]),
    ...(context === undefined ? [] : [{ host: context, source: "the Docker CLI's current context" }]),
  ].map((address) => ({ ...address, named: false, certificates: undefined }));
}

/** The current context's address, read from the files that `docker context use` writes; undefined for the default one. */
function currentContextHost(env: NodeJS.ProcessEnv): string | undefined {
  const folder = env['DOCKER_CONFIG'] ?? path.join(homeOf(env), '.docker');
  try {
    const name =
      env['DOCKER_CONTEXT'] ??
      (JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as { currentContext?: string })
        .currentContext;
    if (!name || name === 'default') return undefined;
    const meta = path.join(
      folder,
      'contexts/meta',
      createHash('sha256').update(name).digest('hex'),
      'meta.json',
    );
    const context = JSON.parse(readFileSync(meta, 'utf8')) as { Endpoints?: { docker?: { Host?: string } } };
    return context.Endpoints?.docker?.Host;
  } catch {
    return undefined; // no such file: the default context
  }
}

function testcontainersProperties(env: NodeJS.ProcessEnv): Record<string, string> {
  try {
    const text = readFileSync(path.join(homeOf(env), '.testcontainers.properties'), 'utf8');
    const lines = text.matchAll(/^\s*([^#!\s=:][^\s=:]*)\s*[=:]\s*(.*?)\s*$/gm);
    return Object.fromEntries([...lines].map(([, key = '', value = '']) => [key, value]));
  } catch {
    return {};
  }
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env['HOME'] ?? homedir();
}
