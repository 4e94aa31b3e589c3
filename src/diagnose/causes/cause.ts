import type { ErrorCode } from '../../support/errors.js';
import type { DiagnosisContext, Snapshot } from '../snapshot.js';

/** What one cause says about a snapshot in which it is recognised. */
export interface Finding {
  sentence: string;
  /** Most telling line first. */
  evidence: string[];
  remedy: string;
  /** Waiting longer cannot help. */
  conclusive: boolean;
}

/** Looks for one cause in a snapshot. */
export type Recognise = (snapshot: Snapshot, context: DiagnosisContext) => Finding | undefined;

export interface Cause {
  code: ErrorCode;
  recognise: Recognise;
}
