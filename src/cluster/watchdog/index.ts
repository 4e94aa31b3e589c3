export { startWatchdog, sweep, watchdogLog, type Watchdog, type WatchdogOptions } from './start.js';
