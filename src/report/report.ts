import { JestKubernetesError, messageOf } from '../support/errors.js';
import { masker } from '../support/mask.js';
import { type Annotation, annotation, groupBegins, groupEnds, isInActions, placeIn } from './actions.js';
import { styleFor } from './format.js';
import { PhaseLine } from './line.js';
import { logSurface, type Surface, terminalSurface } from './surface.js';

/** What a person, or a log, sees of a run. Everything goes to one stream, stderr by default, as Jest's own does. */
export class Report {
  readonly #stream: NodeJS.WriteStream;
  readonly #env: NodeJS.ProcessEnv;
  readonly #surface: Surface;
  readonly #style: ReturnType<typeof styleFor>;
  readonly #isQuiet: boolean;
  readonly #running = new Set<PhaseLine>();
  #timer: NodeJS.Timeout | undefined;

  /** @param options.quiet - whether only what fails, or has to be known, is shown. Default: false */
  constructor(
    stream: NodeJS.WriteStream = process.stderr,
    env: NodeJS.ProcessEnv = process.env,
    { quiet = false }: { quiet?: boolean } = {},
  ) {
    this.#stream = stream;
    this.#env = env;
    this.#isQuiet = quiet;
    this.#style = styleFor(stream);
    // a terminal without a width, such as one that a script made, has no room for lines that are redrawn
    const live = stream.isTTY && stream.columns > 0 && (env['CI'] ?? '') === '' && env['TERM'] !== 'dumb';
    this.#surface = live ? terminalSurface(stream) : logSurface(stream);
  }

  /** What the lines below it are about. */
  headline(text: string): void {
    if (!this.#isQuiet) this.#printNamed(` ${text}`);
  }

  /** Something that is good to know, among the phases' lines. */
  note(text: string): void {
    if (!this.#isQuiet) this.#print(this.#surface.fitted(`   ${masker()(text)}`));
  }

  /** Something that a user has to know, whatever else is shown: a mistake, what is left behind, where to look. */
  warn(text: string): void {
    this.#printNamed(`: ${masker()(text)}`);
  }

  /** Starts a phase's line. */
  phase(title: string): PhaseLine {
    const line = new PhaseLine(title, (changed, note) => {
      if (note !== undefined) {
        this.note(`${title}: ${note}`);
        return;
      }
      this.#running.delete(changed);
      if (!this.#isQuiet || changed.outcome === 'failed') this.#surface.print(this.#coloured(changed));
      this.#tick();
    });
    if (this.#isQuiet) return line;
    this.#running.add(line);
    this.#timer ??= setInterval(() => {
      this.#tick();
    }, this.#surface.interval).unref();
    return line;
  }

  /** An error as its reader should see it. */
  error(error: unknown): void {
    this.#print(this.#style('red', textOf(error)));
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
      if (isInActions(this.#env) && !this.#isQuiet) this.#stream.write(`${line}\n`);
    };
    write(groupBegins(title));
    return {
      [Symbol.dispose]: () => {
        write(groupEnds);
      },
    };
  }

  #printNamed(text: string): void {
    const name = 'jest-kubernetes';
    const fitted = this.#surface.fitted(name + text);
    this.#print(fitted.replace(name, this.#style('bold', name)));
  }

  /** With what runs below it again at once. */
  #print(text: string): void {
    this.#surface.print(text);
    if (this.#running.size > 0) this.#surface.refresh([...this.#running]);
  }

  #tick(): void {
    if (this.#isQuiet) return;
    this.#surface.refresh([...this.#running]);
    if (this.#running.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#surface.close();
  }

  #coloured(line: PhaseLine): string {
    const text = line.render();
    return line.outcome === 'failed'
      ? this.#style('red', text)
      : text.replace('✓', this.#style('green', '✓'));
  }
}

function textOf(error: unknown): string {
  return error instanceof JestKubernetesError ? error.format() : masker()(messageOf(error));
}
