import { createHash } from 'node:crypto';
import type * as k8s from '@kubernetes/client-node';

export const websites = { group: 'example.com', version: 'v1', plural: 'websites' };
export const manager = 'website-operator';

export interface Website {
  apiVersion: 'example.com/v1';
  kind: 'Website';
  metadata: k8s.V1ObjectMeta;
  spec: { template: string; values?: Record<string, string>; replicas?: number };
  status?: { observedGeneration?: number; conditions?: k8s.V1Condition[] };
}

/** A spec that its schema lets through, and that makes no sense nevertheless. */
export class InvalidSpec extends Error {}

/** @throws InvalidSpec where the template names what has no value */
export function render({ template, values = {} }: Website['spec']): string {
  return template.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new InvalidSpec(`spec.template names ‘${name}’, which spec.values lacks`);
    return value;
  });
}

/** What a website is made of; all of it goes with the website. */
export function objectsOf(website: Website, page: string) {
  const { apiVersion, kind, spec } = website;
  const { name = '', namespace, uid = '' } = website.metadata;
  const app = { 'example.com/website': name };
  const metadata = {
    ...{ name, namespace, labels: { ...app, 'app.kubernetes.io/managed-by': manager } },
    ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
  };
  const pod: k8s.V1PodSpec = {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        ...{ name: 'httpd', image: 'busybox:latest', imagePullPolicy: 'IfNotPresent' },
        command: ['httpd', '-f', '-p', '8080', '-h', '/srv'],
        ports: [{ containerPort: 8080 }],
        readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
        volumeMounts: [{ name: 'page', mountPath: '/srv' }],
      },
    ],
    volumes: [{ name: 'page', configMap: { name } }],
  };
  // another page is another template, and so is rolled out
  const annotations = { 'example.com/page': createHash('sha256').update(page).digest('hex') };
  const configMap: k8s.V1ConfigMap = {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata },
    data: { 'index.html': page },
  };
  const service: k8s.V1Service = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata },
    spec: { selector: app, ports: [{ port: 80, targetPort: 8080 }] },
  };
  const deployment: k8s.V1Deployment = {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata },
    spec: {
      replicas: spec.replicas,
      selector: { matchLabels: app },
      template: { metadata: { labels: app, annotations }, spec: pod },
    },
  };
  return { configMap, service, deployment };
}
