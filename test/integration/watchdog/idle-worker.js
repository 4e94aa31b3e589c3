/** A worker that goes on without its parent. */
process.on('disconnect', () => undefined);
setTimeout(() => undefined, 600_000);
