import type { Phase } from './phases.js';
import type { RunContext } from './plan.js';

export function postgresPhases(_context: RunContext): Phase[] {
  return [];
}
