import { defineConfig } from 'jest-kubernetes/config';

export default defineConfig({
  images: ['busybox:latest', { build: '.', tag: 'website-operator:test' }],
  manifests: ['k8s/crd.yaml'],
});
