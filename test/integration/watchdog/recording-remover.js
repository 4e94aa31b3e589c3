/** Deletes a cluster by writing down that it did; fails as often as the file `failures` beside the record says. */
const fs = require('node:fs');

exports.deleteCluster = async ({ name, removal }) => {
  const { record } = removal.with;
  const failures = `${record}.failures`;
  const left = fs.existsSync(failures) ? Number(fs.readFileSync(failures, 'utf8')) : 0;
  if (left > 0) {
    fs.writeFileSync(failures, String(left - 1));
    throw new Error('the engine does not answer');
  }
  fs.appendFileSync(record, `${JSON.stringify({ name, at: Date.now() })}\n`);
};
