/*
 * A cluster that is a file, for the simulation. It sees what a real one could only suffer: a second creation, a
 * deletion while somebody uses it, a user whose cluster is not the one that it joined. Also the module that a
 * simulated run's watchdog deletes it with.
 */
const fs = require('node:fs');
const { join } = require('node:path');

/** The same as the package's, kept apart from it: what is tested must not judge itself. */
const startOf = (pid) => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
};

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const open = (folder) => {
  const container = join(folder, 'container');
  const users = join(folder, 'users');
  const log = (event, details = {}) =>
    fs.appendFileSync(join(folder, 'log'), `${JSON.stringify({ event, pid: process.pid, ...details })}\n`);
  const violation = (what) => log('violation', { what });
  const liveUsers = () =>
    fs.readdirSync(users).filter((pid) => {
      let startedAt;
      try {
        startedAt = fs.readFileSync(join(users, pid), 'utf8');
      } catch {
        return false;
      }
      return startedAt !== '' && startOf(pid) === startedAt;
    });

  return {
    log,
    violation,
    /** The life that runs now; undefined when there is none. */
    life() {
      try {
        return fs.readFileSync(container, 'utf8');
      } catch {
        return undefined;
      }
    },
    create(life) {
      try {
        fs.writeFileSync(container, life, { flag: 'wx' });
        log('created', { life });
      } catch (error) {
        violation(`${life} created it again: ${error.message}`);
      }
    },
    delete(why) {
      const inUse = liveUsers();
      if (inUse.length > 0) violation(`deleted (${why}) while ${inUse} used it`);
      const life = this.life();
      fs.rmSync(container, { force: true });
      if (life !== undefined) log('deleted', { life });
    },
    use() {
      const mine = join(users, String(process.pid));
      fs.writeFileSync(`${mine}.new`, startOf(process.pid));
      fs.renameSync(`${mine}.new`, mine);
      return () => fs.rmSync(mine);
    },
    /** Work that only one may do at a time, and that must not be done again when it was done. */
    enter(key) {
      const door = join(folder, `doing-${key}`);
      let inside = '';
      try {
        inside = fs.readFileSync(door, 'utf8');
      } catch {
        // nobody
      }
      const [pid, startedAt] = inside.split(' ');
      if (inside !== '' && startOf(pid) === startedAt)
        violation(`${key} done by ${pid} and ${process.pid} at once`);
      fs.writeFileSync(door, `${process.pid} ${startOf(process.pid)}`);
      return () => fs.rmSync(door);
    },
  };
};

// one by one: a watchdog imports them by name, and Node.js finds no method among the names of an object
exports.open = open;
exports.pause = pause;
exports.deleteCluster = async ({ removal }) => {
  const cluster = open(removal.with.folder);
  cluster.log('deleting');
  await pause(3);
  cluster.delete('by the last one out');
};
