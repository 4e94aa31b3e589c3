export { startWatchdog, sweep, watchdogLog, type Watchdog } from './start.js';
