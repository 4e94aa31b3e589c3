import { parentPort, workerData } from 'node:worker_threads';

import { beat, type Beating } from './heart.js';

/* What the thread of a heart does (heart.ts). */

void beat(workerData as Beating, (message) => parentPort?.postMessage(message));
