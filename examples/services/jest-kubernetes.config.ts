import { defineConfig } from 'jest-kubernetes/config';

export default defineConfig({
  services: ['redis:8-alpine'], // REDIS_URL in each test worker
  manifests: ['k8s/prices.yaml'], // whose Service says that it is PRICES_URL
  images: ['busybox'],
});
