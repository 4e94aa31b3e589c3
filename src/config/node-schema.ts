import * as z from 'zod';

import type { NodeOptions } from './define-config.js';
import { effects, parseTaint } from './resolve-nodes.js';

/*
 * What a list of nodes may say. Labels are checked here since a kubelet that is given one which it may not set does not
 * start, and kubeadm then waits for it for minutes.
 */

const nameRule = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
const valueRule = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/;
const domainRule = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** kubernetes/kubelet/pkg/apis/well_known_labels.go: what a kubelet may say of its own node in Kubernetes' domains. */
const ownDomains = /(?:^|\.)(?:kubernetes\.io|k8s\.io)$/;
const allowedDomains = /(?:^|\.)(?:kubelet\.kubernetes\.io|node\.kubernetes\.io)$/;
const allowedLabels: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
]);

const qualified = (key: string): { domain: string | undefined; name: string } => {
  const slash = key.indexOf('/');
  return slash === -1
    ? { domain: undefined, name: key }
    : { domain: key.slice(0, slash), name: key.slice(slash + 1) };
};

function isKey(key: string): boolean {
  const { domain, name } = qualified(key);
  return nameRule.test(name) && (domain === undefined || domainRule.test(domain));
}

function mayBeSet(key: string): boolean {
  const { domain = '' } = qualified(key);
  return !ownDomains.test(domain) || allowedDomains.test(domain) || allowedLabels.has(key);
}

const labels = z
  .record(z.string(), z.string('a string'), "an object such as { disk: 'fast' }")
  .superRefine((given, context) => {
    for (const [key, value] of Object.entries(given)) {
      const issue = (message: string): void => {
        context.addIssue({ code: 'custom', path: [key], message });
      };
      if (!isKey(key)) issue('a key such as disk or example.org/disk');
      else if (!mayBeSet(key))
        issue(
          'a key outside kubernetes.io and k8s.io, or one that a node may give itself, such as topology.kubernetes.io/zone',
        );
      if (!valueRule.test(value))
        issue('letters, digits, -, _ and ., up to 63, with a letter or digit at both ends');
    }
  });

const taint = z.union(
  [
    z.custom<string>(
      (value) => typeof value === 'string' && parseTaint(value) !== undefined,
      `a taint such as dedicated=search:NoSchedule (${effects.join(', ')})`,
    ),
    z.strictObject({
      key: z.string('a key').refine(isKey, 'a key such as dedicated'),
      value: z.string('a string').regex(valueRule, 'letters, digits, -, _ and ., up to 63').optional(),
      effect: z.enum(effects, effects.map((each) => `'${each}'`).join(', ')),
    }),
  ],
  'a taint such as dedicated=search:NoSchedule, or { key, value, effect }',
);

const mount = z.strictObject(
  {
    hostPath: z.string('a path').min(1, 'a path that is not empty'),
    containerPath: z.string('an absolute path').regex(/^\//, 'an absolute path'),
    readOnly: z.boolean('true or false').optional(),
  },
  "an object such as { hostPath: './fixtures', containerPath: '/fixtures' }",
);

const node = z.strictObject(
  {
    role: z.enum(['control-plane', 'worker'], "'control-plane' or 'worker'").optional(),
    labels: labels.optional(),
    taints: z.array(taint, "a list such as ['dedicated=search:NoSchedule']").optional(),
    mounts: z
      .array(mount, "a list such as [{ hostPath: './fixtures', containerPath: '/fixtures' }]")
      .optional(),
  },
  "an object such as { role: 'worker' }",
);

const hasControlPlane = (list: readonly NodeOptions[]): boolean =>
  list.some(({ role }, index) => role === 'control-plane' || (role === undefined && index === 0));

export const nodes = z.union(
  [
    z
      .number('a whole number, 1 or more')
      .int('a whole number, 1 or more')
      .min(1, 'a whole number, 1 or more'),
    z
      .array(node)
      .min(1, 'a list of one node or more')
      .refine(hasControlPlane, "a list with one node or more of the role 'control-plane'"),
  ],
  "a whole number, 1 or more, or a list such as [{ role: 'control-plane' }, { role: 'worker' }]",
);
