/**
 * From when on a symptom is more than a passing one, so that waiting longer cannot help. Times are in
 * milliseconds (`…Ms`); the others say how often something must have been seen.
 */
export const thresholds = {
  /** A node that has just been lost may be back in a moment, as after the machine's sleep. */
  nodeLostMs: 15_000,
  /** An API server may restart, which takes it some ten seconds. */
  apiSilentMs: 20_000,
  /** A download without a byte for so long is not slow, it has stopped. */
  downloadIdleMs: 5_000,

  /** A cluster tells its times without a fraction of a second, so the second that something fell in counts. */
  clockMs: 1_000,

  /** Ends of a program that fails; a service may crash until its database is up. */
  crashes: 3,
  /** Restarts after a kill for memory: once may be a peak, a container that dies of it again will go on doing so. */
  memoryKills: 1,
  /** Restarts of a container whose program cannot be started, for a reason that is not known here. */
  failedStarts: 2,

  /** Pods that the API server refuses to a controller, which tries again at once. */
  refusedPods: 3,
  /** Tries to make a container of what its pod refers to, which may be applied a moment after the pod. */
  configurationTries: 2,
  /** Tries to mount a volume of what its pod refers to, which come faster. */
  mountTries: 4,

  /** Pulls that fail for a reason that does not pass. */
  failedPulls: 1,
  /** Looks for an image that may not be pulled. */
  absences: 2,
  /** Pulls that a registry refuses for their number: it may do so in passing. */
  rateLimitedPulls: 2,
  /** Pulls from a registry that is not reached: names resolve, and connections open, a moment after a node has started. */
  unreachablePulls: 3,
  /** Pulls that fail for a reason that is not known here. */
  unexplainedPulls: 3,
} as const;
