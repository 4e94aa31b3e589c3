import { explainPull, saysDiskFull, saysWrongPlatform } from '../../../src/images/failures.js';
import { importFailure } from '../../../src/images/stream.js';
import type { ContainerRuntime } from '../../../src/runtime/index.js';
import type { ErrorCode } from '../../../src/support/errors.js';
import { parseReference } from '../../../src/support/image-reference.js';

type Row = [who: string, image: string, words: string, code: ErrorCode, sentence: RegExp];

/**
 * What the engines say, word for word: Docker Engine 28 (`docker`), Podman 4.3 (`podman`) and containerd 2.1
 * (`containerd`: nerdctl, and Docker with the containerd image store) at the registry of test/integration/registry,
 * and at Docker Hub; what could not be had there is from their sources.
 */
const table: Row[] = [
  [
    'docker, disk full',
    'postgres:17',
    'failed to register layer: write /usr/lib/libLLVM.so.18.1: no space left on device',
    'DISK_FULL',
    /disk is full: docker\.io\/library\/postgres:17/,
  ],
  [
    'podman, disk full',
    'postgres:17',
    'Error: writing blob: adding layer with blob "sha256:4f": processing tar file(write /bin/busybox: no space left on device): exit status 1',
    'DISK_FULL',
    /disk is full/,
  ],
  [
    'containerd, disk full',
    'postgres:17',
    'failed to extract layer sha256:4f: mount callback failed on /var/lib/containerd/tmpmounts/containerd-mount1: write /bin/x: disk quota exceeded: unknown',
    'DISK_FULL',
    /disk is full/,
  ],
  [
    'docker, the engine is gone',
    'postgres:17',
    'connect ECONNREFUSED /var/run/docker.sock',
    'RUNTIME_NOT_ANSWERING',
    /engine went away/,
  ],
  [
    'docker, the engine is gone, by its client',
    'postgres:17',
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    'RUNTIME_NOT_ANSWERING',
    /engine went away/,
  ],
  [
    'we, when the engine ends in the middle of a pull',
    'postgres:17',
    "the engine's answer broke off: aborted",
    'RUNTIME_NOT_ANSWERING',
    /engine went away/,
  ],
  [
    'testcontainers, the engine is gone',
    'postgres:17',
    'Could not find a working container runtime strategy',
    'RUNTIME_NOT_ANSWERING',
    /engine went away/,
  ],
  [
    'docker, credential helper missing',
    'ghcr.io/team/app:1',
    'error getting credentials - err: exec: "docker-credential-desktop": executable file not found in $PATH, out: ``',
    'IMAGE_UNAUTHORIZED',
    /credential helper .* does not work/,
  ],
  [
    'testcontainers, credential helper missing',
    'ghcr.io/team/app:1',
    'Error from Docker credential provider: Error: spawn docker-credential-desktop ENOENT',
    'IMAGE_UNAUTHORIZED',
    /credential helper .* does not work/,
  ],
  [
    'docker, rate limit',
    'postgres:17',
    'toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit',
    'IMAGE_RATE_LIMITED',
    /docker\.io limits how often images are pulled, and refused docker\.io\/library\/postgres:17/,
  ],
  [
    'containerd, rate limit',
    'ghcr.io/team/app:1',
    'failed to resolve image: unexpected status from HEAD request to https://ghcr.io/v2/team/app/manifests/1: 429 Too Many Requests',
    'IMAGE_RATE_LIMITED',
    /ghcr\.io limits/,
  ],
  [
    'podman, rate limit',
    'postgres:17',
    'Error: initializing source docker://postgres:17: reading manifest 17 in docker.io/library/postgres: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit',
    'IMAGE_RATE_LIMITED',
    /docker\.io limits/,
  ],
  [
    'docker, platform',
    'postgres:17',
    'no matching manifest for linux/riscv64 in the manifest list entries',
    'IMAGE_PLATFORM',
    /does not exist for this machine's platform/,
  ],
  [
    'containerd, platform',
    'postgres:17',
    'failed to resolve image: no match for platform in manifest: not found',
    'IMAGE_PLATFORM',
    /platform/,
  ],
  [
    'podman, platform',
    'postgres:17',
    'Error: choosing an image from manifest list docker://postgres:17: no image found in manifest list for architecture riscv64, variant "", OS linux',
    'IMAGE_PLATFORM',
    /platform/,
  ],
  [
    'docker, Docker Hub does not know it, or it is private',
    'team/app:1',
    "pull access denied for team/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'IMAGE_NOT_FOUND',
    /Docker Hub has no public image called team\/app/,
  ],
  [
    'containerd, Docker Hub does not know it, or it is private',
    'team/app:1',
    'failed to resolve image: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    'IMAGE_NOT_FOUND',
    /Docker Hub has no public image/,
  ],
  [
    'podman, Docker Hub does not know it, or it is private',
    'team/app:1',
    'Error: initializing source docker://team/app:1: reading manifest 1 in docker.io/team/app: errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required',
    'IMAGE_NOT_FOUND',
    /Docker Hub has no public image/,
  ],
  [
    'docker, no credentials (Basic)',
    'registry.example/app:1',
    'Head "https://registry.example/v2/app/manifests/1": no basic auth credentials',
    'IMAGE_UNAUTHORIZED',
    /registry\.example wants credentials for registry\.example\/app:1/,
  ],
  [
    'docker, no credentials (Bearer)',
    'registry.example/app:1',
    "pull access denied for registry.example/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'IMAGE_UNAUTHORIZED',
    /wants credentials/,
  ],
  [
    'docker, wrong credentials',
    'registry.example/app:1',
    'Head "https://registry.example/v2/app/manifests/1": unauthorized: incorrect username or password',
    'IMAGE_UNAUTHORIZED',
    /or others than it was given/,
  ],
  ['docker, forbidden', 'registry.example/app:1', 'denied', 'IMAGE_UNAUTHORIZED', /wants credentials/],
  [
    'containerd, forbidden',
    'registry.example/app:1',
    'failed to resolve image: unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 403 Forbidden',
    'IMAGE_UNAUTHORIZED',
    /wants credentials/,
  ],
  [
    'containerd, no credentials (Basic)',
    'registry.example/app:1',
    'failed to resolve image: pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials',
    'IMAGE_UNAUTHORIZED',
    /wants credentials/,
  ],
  [
    'podman, no credentials',
    'registry.example/app:1',
    'Error: initializing source docker://registry.example/app:1: reading manifest 1 in registry.example/app: unauthorized',
    'IMAGE_UNAUTHORIZED',
    /wants credentials/,
  ],
  [
    'podman, forbidden',
    'registry.example/app:1',
    'Error: initializing source docker://registry.example/app:1: reading manifest 1 in registry.example/app: denied',
    'IMAGE_UNAUTHORIZED',
    /wants credentials/,
  ],
  [
    'docker, no such repository',
    'registry.example/app:1',
    'repository registry.example/app not found: name unknown: repository name not known',
    'IMAGE_NOT_FOUND',
    /registry\.example has no image app with the tag 1/,
  ],
  [
    'docker, no such tag',
    'postgres:99',
    'manifest for postgres:99 not found: manifest unknown: manifest unknown',
    'IMAGE_NOT_FOUND',
    /docker\.io has no image library\/postgres with the tag 99/,
  ],
  ['docker, no such tag, of few words', 'a.example/a:9', 'manifest unknown', 'IMAGE_NOT_FOUND', /tag 9/],
  [
    'docker, no such digest',
    `postgres@sha256:${'ab'.repeat(32)}`,
    'manifest unknown: manifest unknown',
    'IMAGE_NOT_FOUND',
    /with the digest sha256:abab/,
  ],
  [
    'containerd, no such tag',
    'postgres:99',
    'failed to resolve image: docker.io/library/postgres:99: not found',
    'IMAGE_NOT_FOUND',
    /tag 99/,
  ],
  [
    'podman, no such tag',
    'postgres:99',
    'Error: initializing source docker://postgres:99: reading manifest 99 in docker.io/library/postgres: manifest unknown',
    'IMAGE_NOT_FOUND',
    /tag 99/,
  ],
  [
    'docker, plain HTTP',
    'registry.lan:5000/app:1',
    'Get "https://registry.lan:5000/v2/": http: server gave HTTP response to HTTPS client',
    'REGISTRY_UNREACHABLE',
    /registry\.lan:5000 speaks HTTP/,
  ],
  [
    'docker, foreign certificate',
    'registry.example/app:1',
    'Get "https://registry.example/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    'REGISTRY_UNREACHABLE',
    /does not trust the certificate of registry\.example/,
  ],
  [
    'docker, DNS',
    'registry.invalid/x:1',
    'Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid on 10.255.255.53:53: no such host',
    'REGISTRY_UNREACHABLE',
    /name of the registry registry\.invalid cannot be resolved/,
  ],
  [
    'docker, DNS without an answer',
    'postgres:17',
    'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: read udp 10.0.0.2:35181->10.0.0.1:53: i/o timeout',
    'REGISTRY_UNREACHABLE',
    /cannot be resolved/,
  ],
  [
    'podman, DNS',
    'registry.invalid/x:1',
    'Error: initializing source docker://registry.invalid/x:1: pinging container registry registry.invalid: Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid on 10.255.255.53:53: no such host',
    'REGISTRY_UNREACHABLE',
    /cannot be resolved/,
  ],
  [
    'containerd, DNS',
    'registry.invalid/x:1',
    'failed to resolve image: failed to do request: Head "https://registry.invalid/v2/x/manifests/1": dial tcp: lookup registry.invalid on 10.255.255.53:53: no such host',
    'REGISTRY_UNREACHABLE',
    /cannot be resolved/,
  ],
  [
    'docker, nobody listens',
    '127.0.0.1:1/x:1',
    'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    'REGISTRY_UNREACHABLE',
    /registry 127\.0\.0\.1:1 cannot be reached/,
  ],
  [
    'docker, no network',
    'postgres:17',
    'Get "https://registry-1.docker.io/v2/": dial tcp [2600:1f18::1]:443: connect: network is unreachable',
    'REGISTRY_UNREACHABLE',
    /docker\.io cannot be reached/,
  ],
  [
    'we, when bytes stop coming',
    'postgres:17',
    'timed out: nothing came for 60 s, after 31.0 MB of 98.0 MB',
    'REGISTRY_UNREACHABLE',
    /docker\.io sends nothing more of/,
  ],
  [
    'docker, no answer',
    'postgres:17',
    'Get "https://registry-1.docker.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
    'REGISTRY_UNREACHABLE',
    /did not answer in time/,
  ],
  [
    'docker, no answer to TLS',
    'postgres:17',
    'Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout',
    'REGISTRY_UNREACHABLE',
    /did not answer in time/,
  ],
  [
    'docker, connection reset',
    'registry.example/app:1',
    'Head "https://registry.example/v2/app/manifests/1": read tcp 10.0.0.2:40000->10.0.0.3:443: read: connection reset by peer',
    'IMAGE_PULL_FAILED',
    /connection to registry\.example broke while registry\.example\/app:1 was pulled/,
  ],
  [
    'podman, connection reset',
    'registry.example/app:1',
    'Error: writing blob: storing blob to file "/var/tmp/storage3515181224/1": happened during read: read tcp 10.0.0.2:40000->10.0.0.3:443: read: connection reset by peer',
    'IMAGE_PULL_FAILED',
    /connection to registry\.example broke/,
  ],
  ['docker, cut off', 'registry.example/app:1', 'unexpected EOF', 'IMAGE_PULL_FAILED', /broke/],
  [
    'docker, 503',
    'registry.example/app:1',
    'received unexpected HTTP status: 503 Service Unavailable',
    'IMAGE_PULL_FAILED',
    /registry\.example failed to deliver registry\.example\/app:1/,
  ],
  [
    'podman, 503 of a layer',
    'registry.example/app:1',
    'Error: reading blob sha256:be3c: Error fetching blob: invalid status code from registry 503 (Service Unavailable)',
    'IMAGE_PULL_FAILED',
    /failed to deliver/,
  ],
  [
    'containerd, 503 of a layer',
    'registry.example/app:1',
    'failed to copy: httpReadSeeker: failed open: unexpected status from GET request to https://registry.example/v2/app/blobs/sha256:ee08: 503 Service Unavailable',
    'IMAGE_PULL_FAILED',
    /failed to deliver/,
  ],
  [
    'what nobody has seen yet',
    'postgres:17',
    'the hamster is asleep',
    'IMAGE_PULL_FAILED',
    /docker\.io\/library\/postgres:17 could not be pulled/,
  ],
];

describe('what an engine says of a failed pull has a cause', () => {
  test.each(table)('%s', (_who, image, words, code, sentence) => {
    const error = explainPull(parseReference(image), words);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(sentence);
    expect(error.evidence).toEqual(words.split('\n'));
    expect(error.remedy).toBeTruthy();
  });
});

describe("an image's own name is no symptom", () => {
  test.each<[words: string, image: string, code: ErrorCode]>([
    [
      'received unexpected HTTP status: 503 Service Unavailable',
      'a.example/forbidden:1',
      'IMAGE_PULL_FAILED',
    ],
    [
      'Head "https://a.example/v2/app/manifests/404": read: connection reset by peer',
      'a.example/app:404',
      'IMAGE_PULL_FAILED',
    ],
    [
      'failed to resolve image: failed to do request: Head "https://a.example/v2/rate-limit/manifests/429": dial tcp: connection refused',
      'a.example/rate-limit:429',
      'REGISTRY_UNREACHABLE',
    ],
    ['failed to resolve image: a.example/app:503: not found', 'a.example/app:503', 'IMAGE_NOT_FOUND'],
    ['manifest for team/app:429 not found: manifest unknown', 'team/app:429', 'IMAGE_NOT_FOUND'],
    [
      'Error: initializing source docker://a.example/app:429: reading manifest 429 in a.example/app: unauthorized',
      'a.example/app:429',
      'IMAGE_UNAUTHORIZED',
    ],
  ])('%s', (words, image, code) => {
    expect(explainPull(parseReference(image), words).code).toBe(code);
  });
});

test.each<[words: string, passing: boolean, worthAMirror: boolean]>([
  ['toomanyrequests: You have reached your pull rate limit.', false, true],
  ['dial tcp: lookup registry-1.docker.io: no such host', false, true],
  ['net/http: TLS handshake timeout', true, true],
  ['received unexpected HTTP status: 502 Bad Gateway', true, true],
  ['unexpected EOF', true, true],
  ['manifest unknown', false, false],
  ['no space left on device', false, false],
  ['no matching manifest for linux/riscv64 in the manifest list entries', false, false],
  ['Cannot connect to the Docker daemon at unix:///var/run/docker.sock.', false, false],
])('“%s”: again: %s, at a mirror: %s', (words, passing, worthAMirror) => {
  expect(explainPull(parseReference('postgres:17'), words)).toMatchObject({ passing, worthAMirror });
});

test('of many words the last five lines are shown', () => {
  const words = ['Trying to pull', 'a', '', 'b', 'c', '  d', 'Error: unexpected EOF'].join('\n');
  expect(explainPull(parseReference('a'), words).evidence).toEqual([
    'a',
    'b',
    'c',
    'd',
    'Error: unexpected EOF',
  ]);
});

test('the remedy names the registry to log in to, and none for Docker Hub', () => {
  const denied = (image: string) => explainPull(parseReference(image), 'toomanyrequests').remedy;
  expect(denied('postgres')).toContain('(docker login), or name a mirror in the option mirrors');
  expect(denied('ghcr.io/a/b')).toContain('(docker login ghcr.io)');
});

test.each([
  ['ctr: failed to ingest: write /var/lib/containerd/x: no space left on device', true, false],
  ['Error response from daemon: no suitable export target found for platform linux/amd64', false, true],
  ['ctr: unrecognized image format', false, false],
])('at an import, “%s”: disk full: %s, wrong platform: %s', (words, full, platform) => {
  expect([saysDiskFull(words), saysWrongPlatform(words)]).toEqual([full, platform]);
});

test.each([
  [
    'Error response from daemon: Container shop-control-plane is paused, unpause the container before exec',
    'docker unpause shop-control-plane',
  ],
  [
    'Error response from daemon: container 0f3a9c is paused, unpause the container before exec',
    'docker unpause 0f3a9c',
  ],
  ['Error response from daemon: container 0f3a9c2b is not running', 'docker start 0f3a9c2b'],
  ['Error: can only create exec sessions on running containers: container state improper', 'docker ps --all'],
  ['Error response from daemon: No such container: shop-control-plane', 'docker ps --all'],
])('at an import, of a node that does not run (“%s”) the image is not blamed', (words, command) => {
  const runtime = { name: 'docker', command: 'docker', platform: 'linux/amd64' } as ContainerRuntime;
  const { code, message, remedy } = importFailure('redis:8', words, { runtime });
  expect({ code, message }).toEqual({
    code: 'IMAGE_IMPORT_FAILED',
    message: 'redis:8 could not be imported: the node’s container does not run',
  });
  expect(remedy).toContain(command);
});
