import { defineConfig } from 'jest-kubernetes/config';

export default defineConfig({
  postgres: {
    migrate: 'node migrate.mjs', // once, before the first test: workers’ databases are copies of the outcome
  },
});
