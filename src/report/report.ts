import { JestKubernetesError, messageOf } from '../support/errors.js';
import { masker } from '../support/mask.js';
import { logUpdate } from '../support/native.js';
import { type Annotation, annotation, groupBegins, groupEnds, isInActions, placeIn } from './actions.js';
import { styleFor } from './format.js';
import { PhaseLine, silenceLimit } from './line.js';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameTime = 120;
/** The least width of the column of titles, so that lines that come one by one stand below each other. */
const titleWidth = 34;
/** What a terminal takes for: this line is empty, and begins anew. */
const clearedLine = '\r\u001B[K';

/** How the running lines are shown: redrawn on a terminal, or told now and then in a log. */
interface Surface {
  /** A line that stays. */
  print(text: string): void;
  /** Shows what runs now; called at every change and every {@link interval}. */
  refresh(running: readonly PhaseLine[]): void;
  readonly interval: number;
  close(): void;
}

function terminalSurface(stream: NodeJS.WriteStream): Surface {
  const style = styleFor(stream);
  const live = logUpdate().createLogUpdate(stream);
  // Jest has written “Determining test suites to run...”, and takes that away itself: without this the first line follows it
  stream.write(clearedLine);
  let frame = 0;
  return {
    interval: frameTime,
    print: (text) => {
      live.persist(text);
    },
    refresh: (running) => {
      frame = (frame + 1) % frames.length;
      const columns = stream.columns || 80;
      const lines = running.map((line) => line.render(titleWidth, frames[frame]).slice(0, columns - 1));
      live(lines.map((line) => style('dim', line)).join('\n'));
    },
    close: () => {
      live.clear();
      live.done();
    },
  };
}

function logSurface(stream: NodeJS.WriteStream): Surface {
  const told = new Map<PhaseLine, number>();
  return {
    interval: 1000,
    print: (text) => stream.write(`${text}\n`),
    refresh: (running) => {
      for (const line of running) {
        // first after the silence limit, then at longer and longer intervals
        const next = told.get(line) ?? silenceLimit;
        if (line.elapsed < next) continue;
        told.set(line, next * 2);
        stream.write(`${line.render(titleWidth)}\n`);
      }
    },
    close: () => {
      told.clear();
    },
  };
}

/** What a person, or a log, sees of a run. Everything goes to one stream, stderr by default, as Jest's own does. */
export class Report {
  readonly #stream: NodeJS.WriteStream;
  readonly #env: NodeJS.ProcessEnv;
  readonly #surface: Surface;
  readonly #style: ReturnType<typeof styleFor>;
  readonly #running = new Set<PhaseLine>();
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream = process.stderr, env: NodeJS.ProcessEnv = process.env) {
    this.#stream = stream;
    this.#env = env;
    this.#style = styleFor(stream);
    // a terminal without a width, such as one that a script made, has no room for lines that are redrawn
    const live = stream.isTTY && stream.columns > 0 && (env['CI'] ?? '') === '' && env['TERM'] !== 'dumb';
    this.#surface = live ? terminalSurface(stream) : logSurface(stream);
  }

  /** What the lines below it are about. */
  headline(text: string): void {
    this.#surface.print(`${this.#style('bold', 'jest-kubernetes')} ${text}`);
  }

  /** Something that a user should know, among the phases' lines. */
  note(text: string): void {
    this.#surface.print(this.#style('yellow', `   ${masker()(text)}`));
  }

  /** Starts a phase's line. */
  phase(title: string): PhaseLine {
    const line = new PhaseLine(title, (changed, note) => {
      if (note !== undefined) {
        this.note(`${title}: ${note}`);
        return;
      }
      this.#running.delete(changed);
      this.#surface.print(this.#coloured(changed));
      this.#tick();
    });
    this.#running.add(line);
    this.#timer ??= setInterval(() => {
      this.#tick();
    }, this.#surface.interval).unref();
    return line;
  }

  /** An error as its reader should see it. */
  error(error: unknown): void {
    this.#surface.print(this.#style('red', textOf(error)));
    this.annotate(error);
  }

  /** Where GitHub Actions runs, an error that is shown by somebody else as an annotation too, at the file that it names. */
  annotate(error: unknown): void {
    if (!isInActions(this.#env)) return;
    const text = textOf(error);
    this.annotateAt({ title: 'jest-kubernetes', text, place: placeIn(text) });
  }

  /** Where GitHub Actions runs: an annotation. */
  annotateAt(what: Annotation): void {
    if (!isInActions(this.#env)) return;
    this.#stream.write(`${annotation({ ...what, text: masker()(what.text) }, this.#env)}\n`);
  }

  /** Where GitHub Actions runs, what is printed until it is disposed of stands folded in the log. */
  group(title: string): Disposable {
    const write = (line: string): void => {
      if (isInActions(this.#env)) this.#stream.write(`${line}\n`);
    };
    write(groupBegins(title));
    return {
      [Symbol.dispose]: () => {
        write(groupEnds);
      },
    };
  }

  #tick(): void {
    this.#surface.refresh([...this.#running]);
    if (this.#running.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#surface.close();
  }

  #coloured(line: PhaseLine): string {
    const text = line.render(titleWidth);
    if (line.outcome === 'failed') return this.#style('red', text);
    if (line.outcome === 'cancelled') return this.#style('dim', text);
    return text.replace('✓', this.#style('green', '✓'));
  }
}

function textOf(error: unknown): string {
  return error instanceof JestKubernetesError ? error.format() : masker()(messageOf(error));
}
