/**
 * A process that pulls and pushes what it is told to, by messages: testcontainers reads its environment once in a process's life.
 *   node pulling-child.js FOLDER-OF-THE-COMPILED-SOURCE
 */
const { join } = require('node:path');

const { pullImage } = require(join(process.argv[2], 'images/pull.js'));
const { pushImage } = require(join(process.argv[2], 'images/push.js'));

const interruptions = new Map();

process.on('message', async ({ id, reference, to, options, interrupt }) => {
  if (interrupt !== undefined) return interruptions.get(id).abort(new Error(interrupt));
  const interruption = new AbortController();
  interruptions.set(id, interruption);
  const tell = (what) => (line) => process.send({ id, [what]: line ?? '' });
  const progress = { moved: tell('moved'), note: tell('note'), waitingFor() {} };
  try {
    const all = { ...options, progress, signal: interruption.signal, stall: options?.limits.stall };
    const result = await (to === undefined ? pullImage(reference, all) : pushImage(reference, to, all));
    process.send({ id, result });
  } catch (error) {
    const { name, code, message, evidence, remedy, stack } = error;
    process.send({ id, error: { name, code, message, evidence, remedy, stack } });
  }
});
process.on('disconnect', () => process.exit());
