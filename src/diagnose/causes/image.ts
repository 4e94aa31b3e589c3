import { seenAt, timesSeen } from '../events.js';
import type { DiagnosisContext, Snapshot } from '../snapshot.js';
import type { Recognise } from './cause.js';
import {
  eventLine,
  eventsOf,
  firstOf,
  illContainers,
  imageOf,
  isFresh,
  present,
  seconds,
  specOf,
  type Subject,
} from './reading.js';
import { thresholds } from './thresholds.js';

interface ImageFailure {
  subject: Subject;
  image: string;
  text: string;
  evidence: string[];
  /** Whether the kubelet goes to the registry for what the node has too. */
  asksAlways: boolean;
  /** Failures seen since there was no more image to come. */
  failures: number;
}

const pullReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'RegistryUnavailable',
  'InvalidImageName',
  'ErrImageNeverPull',
]);

/** The first image that could not be had; the back-off's own message does not say why, the events do. */
export function imageFailures(snapshot: Snapshot, context: DiagnosisContext): ImageFailure[] {
  return illContainers(snapshot).flatMap((subject) => {
    const waiting = subject.status.state?.waiting;
    if (!pullReasons.has(waiting?.reason ?? '')) return [];
    const image = imageOf(subject);
    const events = eventsOf(snapshot, subject.pod).filter(
      ({ reason, message = '' }) =>
        ['Failed', 'ErrImageNeverPull', 'InspectFailed'].includes(reason ?? '') && message.includes(image),
    );
    const text = [waiting?.message, events[0]?.message].join('\n');
    const fresh = events.filter((event) => isFresh(event, context));
    const [event] = events;
    // mostly the event's words are the same
    const isTold = (words: string): boolean =>
      words.startsWith('Back-off') || event?.message?.includes(words) === true;
    const evidence = present([
      waiting?.message && !isTold(waiting.message) ? waiting.message : undefined,
      event && eventLine(snapshot, event),
    ]);
    const failures = context.imageComing ? 0 : fresh.reduce((sum, event) => sum + timesSeen(event), 0);
    return [{ subject, image, text, evidence, failures, asksAlways: asksAlways(subject) }];
  });
}

const asksAlways = (subject: Subject): boolean => specOf(subject)?.imagePullPolicy === 'Always';
const always =
  'Its policy is Always, the default for `:latest` and without a tag: the node asks the registry even for what it has. Say `imagePullPolicy: IfNotPresent`, or give it another tag.';

/** An image that could not be pulled, for the reason that its message shows. */
function imageCause(reason: {
  shows: RegExp;
  /** How often it must have been seen, to be conclusive. */
  failures: number;
  sentence: (image: string) => string;
  remedy: (image: string) => string;
}): Recognise {
  return (snapshot, context) =>
    firstOf(imageFailures(snapshot, context), ({ image, text, evidence, failures, asksAlways }) =>
      reason.shows.test(text)
        ? {
            sentence: reason.sentence(image),
            evidence,
            remedy: [reason.remedy(image), ...(asksAlways ? [always] : [])].join(' '),
            conclusive: failures >= reason.failures,
          }
        : undefined,
    );
}

export const imageNotImported = imageCause({
  shows: /not present with pull policy of Never|ErrImageNeverPull/,
  failures: thresholds.absences,
  sentence: (image) => `image ${image} is not in the node, and may not be pulled (imagePullPolicy: Never)`,
  remedy: (image) => `Add '${image}' to \`images\`, under exactly this name.`,
});

export const imageRateLimited = imageCause({
  shows: /toomanyrequests|429 Too Many Requests|status code.* 429|rate limit/i,
  failures: thresholds.rateLimitedPulls,
  sentence: (image) =>
    `the registry of image ${image} refuses further pulls from this machine for now (rate limit)`,
  remedy: () =>
    `Log in to the registry (\`docker login\`), or name the image under \`images\`, so that it is pulled once, on the host.`,
});

export const imageUnauthorized = imageCause({
  shows:
    /\b401\b|403 Forbidden|unauthorized|authorization failed|insufficient_scope|access denied|no basic auth/i,
  failures: thresholds.failedPulls,
  sentence: (image) => `the registry of image ${image} wants credentials (or the image does not exist)`,
  remedy: () =>
    `Log in (\`docker login\`) and name the image under \`images\`, so that the host pulls it, or give the pod an imagePullSecret.`,
});

export const imageNotFound = imageCause({
  shows: /: not found|manifest unknown|NAME_UNKNOWN|\b404\b|InvalidImageName|couldn't parse image/i,
  failures: thresholds.failedPulls,
  sentence: (image) => `image ${image} does not exist in its registry`,
  remedy: () =>
    `Check the image's name and tag; one that is built on this machine must be named under \`images\`.`,
});

export const registryUnreachable = imageCause({
  shows:
    /no such host|lookup .*(?:misbehaving|timeout|failure)|connection refused|i\/o timeout|TLS handshake|x509|no route to host|network is unreachable|HTTP response to HTTPS/i,
  failures: thresholds.unreachablePulls,
  sentence: (image) => `the node cannot reach the registry of image ${image}`,
  remedy: () =>
    `Name the image under \`images\`, so that it is pulled on the host, with the host's network and credentials.`,
});

export const imagePullFailed = imageCause({
  shows: /./,
  failures: thresholds.unexplainedPulls,
  sentence: (image) => `image ${image} cannot be pulled`,
  remedy: (image) =>
    `Try \`docker pull ${image}\`; name the image under \`images\`, so that it is pulled on the host.`,
});

/** Told by the events and by what containerd has written; it may come to its end at any time. */
export const imagePullSlow: Recognise = (snapshot) =>
  firstOf(illContainers(snapshot), (subject) => {
    const waiting = subject.status.state?.waiting;
    if (waiting === undefined || pullReasons.has(waiting.reason ?? '')) return undefined;
    const ofImage = eventsOf(snapshot, subject.pod).filter(({ message }) =>
      message?.includes(imageOf(subject)),
    );
    const pulling = ofImage.find(({ reason }) => reason === 'Pulling');
    if (!pulling || ofImage.some((event) => event.reason !== 'Pulling' && seenAt(event) >= seenAt(pulling))) {
      return undefined;
    }
    // containerd keeps what earlier, abandoned pulls left
    const downloads = snapshot.downloads.filter(
      ({ idleMs }) => snapshot.takenAt - idleMs + 2 * thresholds.clockMs > seenAt(pulling),
    );
    const idle = Math.min(...downloads.map(({ idleMs }) => idleMs));
    const size = ({ bytes, totalBytes }: { bytes: number; totalBytes: number | undefined }) =>
      `${(bytes / 1e6).toFixed(1)}${totalBytes === undefined ? ' MB' : ` of ${(totalBytes / 1e6).toFixed(1)} MB`}`;
    const known = downloads.every(({ totalBytes }) => totalBytes !== undefined);
    const together = size({
      bytes: downloads.reduce((sum, { bytes }) => sum + bytes, 0),
      totalBytes: known ? downloads.reduce((sum, { totalBytes = 0 }) => sum + totalBytes, 0) : undefined,
    });
    return {
      sentence: `image ${imageOf(subject)} is still being pulled by the node, for ${seconds(snapshot.takenAt - seenAt(pulling))} now${downloads.length > 0 ? `, ${together} so far` : ''}`,
      evidence: present([
        ...downloads.map(
          (each) => `${each.ref.slice(0, 26)}…: ${size(each)}, no byte for ${seconds(each.idleMs)}`,
        ),
        eventLine(snapshot, pulling),
      ]),
      remedy:
        Number.isFinite(idle) && idle > thresholds.downloadIdleMs
          ? `The registry has stopped sending: see the network between the node and the registry, or name the image under \`images\`, so that it is pulled on the host.`
          : [
              `Name the image under \`images\`, so that it is pulled once, on the host.`,
              ...(asksAlways(subject) ? [always] : []),
            ].join(' '),
      conclusive: false,
    };
  });
