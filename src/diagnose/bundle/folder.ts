/** One folder of a run that failed, while it is written. */
export interface Bundle {
  /** Writes a file of it, secrets masked. */
  write: (file: string, text: string) => Promise<void>;
  /** What could not be had, and why. */
  notes: string[];
}

/** Why a part is not there whose time is up. */
export const lateness = 'not done in time';
