export { client, kubeConfig, type ApiClass } from './kube-config.js';
export { namespace } from './namespace.js';
export { database, resetDatabase, type Database } from './database.js';
