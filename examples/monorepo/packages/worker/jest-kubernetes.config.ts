import { defineConfig } from 'jest-kubernetes/config';

export default defineConfig({
  images: [{ build: 'image', tag: 'tasks/worker:test' }],
});
