import { defineConfig } from 'jest-kubernetes/config';

export default defineConfig({
  images: ['busybox:latest'],
  manifests: ['crds'],
});
