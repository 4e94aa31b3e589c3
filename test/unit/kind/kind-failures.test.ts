import { kindFailure } from '../../../src/cluster/kind/kind-failures.js';

/** What kind prints, shortened, and what it means. */
test.each([
  ['ERROR: node(s) already exist for a cluster with the name "shop"', 'CLUSTER_NAME_TAKEN', 'there already'],
  [
    'docker: Error response from daemon: driver failed: Bind for 127.0.0.1:5433 failed: port is already allocated.',
    'CLUSTER_CREATE_FAILED',
    'a port of the host',
  ],
  ['write /var/lib/docker/tmp/x: no space left on device', 'DISK_FULL', 'is full'],
  [
    'Error response from daemon: toomanyrequests: You have reached your pull rate limit.',
    'IMAGE_RATE_LIMITED',
    'refuses more pulls',
  ],
  [
    'Error response from daemon: manifest for kindest/node:v9 not found: manifest unknown: manifest unknown',
    'IMAGE_NOT_FOUND',
    'does not exist',
  ],
  [
    'Error response from daemon: pull access denied for kindest/nod, repository does not exist',
    'IMAGE_NOT_FOUND',
    'does not exist',
  ],
  ['dial tcp: lookup registry-1.docker.io: no such host', 'REGISTRY_UNREACHABLE', 'could not be pulled'],
  [
    'Failed to create control group inotify object: Too many open files',
    'CLUSTER_CREATE_FAILED',
    'inotify limits',
  ],
  ['fork/exec /usr/bin/docker: cannot allocate memory', 'CLUSTER_CREATE_FAILED', 'too little memory'],
  [
    'docker: Error response from daemon: failed to create task for container: OCI runtime create failed: cgroup',
    'CLUSTER_CREATE_FAILED',
    'could not start the node',
  ],
  [
    'ERROR: failed to create cluster: could not find a log line that matches "Reached target"',
    'CLUSTER_CREATE_FAILED',
    'systemd did not start',
  ],
  [
    'ERROR: failed to create cluster: unable to decode config: yaml: unmarshal errors: field nodez not found',
    'CONFIG_INVALID',
    'configuration',
  ],
  ['[kubelet-check] The kubelet is not running', 'CLUSTER_CREATE_FAILED', 'Kubernetes did not start'],
])('%s', (line, code, cause) => {
  const error = kindFailure('shop', 'ended with status 1', [
    'Creating cluster "shop" ...',
    ' • Preparing nodes 📦  ...',
    line,
  ]);
  expect(error.code).toBe(code);
  expect(error.message).toContain(cause);
  expect(error.evidence).toContain(line);
  expect(error.remedy).toBeTruthy();
});

test('of a long line, the part that tells is shown', () => {
  const command = `docker run --name shop-control-plane ${'--volume /var '.repeat(40)}kindest/node`;
  const { evidence } = kindFailure('shop', 'ended with status 1', [
    `ERROR: failed to create cluster: command "${command}" failed with error: exit status 125`,
    `docker: Error response from daemon: ${'driver failed '.repeat(30)}: address already in use`,
  ]);
  expect(evidence[1]).toBe(
    'ERROR: failed to create cluster: command "docker run …" failed with error: exit status 125',
  );
  expect(evidence[2]).toMatch(/^….*: address already in use$/);
});

test('of hundreds of lines, only the last telling ones are shown', () => {
  const noise = Array.from({ length: 300 }, (_, line) => `I1123 kubeadm line ${line}`);
  const output = [
    ...noise,
    'ERROR: failed to create cluster: the moon is full',
    'Stack Trace: ',
    'main.main',
    '\t/src/main.go:3',
  ];
  const { message, evidence, remedy } = kindFailure('shop', 'ended with status 1', output);
  expect(message).toBe('kind could not create the cluster shop');
  expect(evidence).toEqual(['kind ended with status 1', 'ERROR: failed to create cluster: the moon is full']);
  expect(remedy).toBeTruthy();
});

test('without any word of failure, its last lines are shown', () => {
  const { evidence } = kindFailure('shop', 'was ended by SIGKILL', ['one', 'two']);
  expect(evidence).toEqual(['kind was ended by SIGKILL', 'one', 'two']);
});
