import type { PostgresConfig } from '../src/config/index.js';

/** What a configuration of `postgres: true` comes to. */
export const postgresConfig: PostgresConfig = {
  image: 'postgres:17-alpine',
  database: 'app',
  user: 'app',
  password: undefined,
  hostPort: 0,
  initdb: [],
  settings: {},
  resources: {},
  storage: 'memory',
  reset: 'file',
  migrateIn: '/',
  migrate: undefined,
};
