/**
 * Where the time of one cold run goes: second by second, what was reached and what held the processors.
 *
 *   npm run profile [-- PROJECT]     a project of projects.mjs, `postgres` if none is named
 *
 * It prints the tables of docs/performance.md. Processors are sampled from /proc, so it needs Linux; what a process
 * that lived for less than a sample has used is counted under `others`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { install } from '../packed/install.mjs';
import { projects, writeProject } from './projects.mjs';

const [name = 'postgres'] = process.argv.slice(2);
if (projects[name] === undefined) {
  console.error(`usage: npm run profile [-- PROJECT], one of ${Object.keys(projects).join(', ')}`);
  process.exit(2);
}

/** Who holds a processor, by the process's name; the first that fits. */
const holders = [
  ['Jest and this package', /^(node|MainThread|jest)/],
  ['kind and docker commands', /^(kind|docker|podman|runc|containerd-shim)/],
  ['engine (dockerd)', /^dockerd/],
  ['containerd and ctr in the node', /^(containerd|ctr)/],
  ['kubeadm, kubectl', /^(kubeadm|kubectl)/],
  ['kube-apiserver', /^kube-apiserver/],
  ['etcd', /^etcd/],
  ['kubelet', /^kubelet/],
  ['controller manager, scheduler', /^kube-(controller|scheduler)/],
  ['PostgreSQL', /^(postgres|initdb|psql|docker-entrypoi)/],
  ['kube-proxy, CoreDNS, CNI, volumes', /^(kube-proxy|coredns|podnet|kindnetd|local-path)/],
  ['systemd and shells in the node', /^(systemd|sh|bash|init|\(sd)/],
];

const ticks = 100; // per second, of /proc, on every Linux that Node.js runs on

async function processorTimes() {
  const used = new Map();
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [, command, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    if (command === undefined) continue;
    const fields = rest.split(' ');
    used.set(pid, { command, time: Number(fields[11]) + Number(fields[12]) });
  }
  const [, ...all] = (await readFile('/proc/stat', 'utf8')).split('\n', 1)[0].trim().split(/ +/).map(Number);
  const [user, nice, system, , , irq, softirq] = all;
  return { used, busy: user + nice + system + irq + softirq };
}

const holderOf = (command) => holders.find(([, pattern]) => pattern.test(command))?.[0] ?? 'others';

const folder = await mkdtemp(join(tmpdir(), 'jest-kubernetes-profile-'));
const seconds = []; // of each: seconds of processor time by holder
const events = []; // [second, text]
try {
  await install(fileURLToPath(new URL('../e2e/fixtures/project', import.meta.url)), folder);
  const project = await writeProject(name, folder);
  const start = performance.now();
  const now = () => (performance.now() - start) / 1000;
  const child = spawn(process.execPath, [join(folder, 'node_modules/jest/bin/jest.js'), '--runInBand'], {
    cwd: project,
    env: {
      ...process.env,
      CI: 'true',
      JEST_KUBERNETES_STATE_DIR: join(folder, 'state'),
      JEST_KUBERNETES_NAME: `profile-${process.pid}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      output.push(line);
      if (/^ [✓✗•] |jest-kubernetes |ready in|^PASS|^FAIL/.test(line)) events.push([now(), line.trim()]);
    });
  }
  const ended = new Promise((done) => child.on('close', done));
  let before = await processorTimes();
  let running = true;
  void ended.then(() => (running = false));
  let next = 1;
  while (running) {
    await Promise.race([
      ended,
      new Promise((again) => setTimeout(again, Math.max(0, next * 1000 - now() * 1000))),
    ]);
    const after = await processorTimes();
    const shares = new Map();
    const add = (holder, time) => shares.set(holder, (shares.get(holder) ?? 0) + time / ticks);
    let known = 0;
    for (const [pid, { command, time }] of after.used) {
      const used = time - (before.used.get(pid)?.time ?? 0);
      known += used;
      if (used > 0) add(holderOf(command), used);
    }
    add('others', Math.max(0, after.busy - before.busy - known));
    seconds.push(shares);
    before = after;
    next += 1;
  }
  const status = await ended;
  if (status !== 0) throw new Error(`jest failed:\n${output.join('\n')}`);
  const first = Number(await readFile(join(project, 'first'), 'utf8').catch(() => 'NaN'));
  if (!Number.isNaN(first)) events.push([(first - performance.timeOrigin - start) / 1000, 'the first test']);
} finally {
  await rm(folder, { recursive: true, force: true });
}

events.sort(([one], [other]) => one - other);
const cores = availableParallelism();
console.log(
  `${cores} processors; seconds of processor time in each second, the largest three, and what was reached\n`,
);
console.log('| second | of | held by | reached |\n| ---: | ---: | --- | --- |');
for (const [index, shares] of seconds.entries()) {
  const all = [...shares].sort(([, one], [, other]) => other - one);
  const sum = all.reduce((total, [, time]) => total + time, 0);
  const told = all.slice(0, 3).map(([holder, time]) => `${holder} ${time.toFixed(1)}`);
  const reached = events
    .filter(([at]) => Math.floor(at) === index)
    .map(([at, text]) => `${at.toFixed(1)}: ${text}`);
  console.log(`| ${index} | ${sum.toFixed(1)} | ${told.join(', ')} | ${reached.join('; ')} |`);
}
console.log('\n| holder | seconds of processor time until the first test |\n| --- | ---: |');
const until = events.find(([, text]) => text === 'the first test')?.[0] ?? seconds.length;
const totals = new Map();
for (const shares of seconds.slice(0, Math.ceil(until))) {
  for (const [holder, time] of shares) totals.set(holder, (totals.get(holder) ?? 0) + time);
}
for (const [holder, time] of [...totals].sort(([, one], [, other]) => other - one)) {
  console.log(`| ${holder} | ${time.toFixed(1)} |`);
}
