import { logUpdate } from '../support/native.js';
import { brokenAt, styleFor } from './format.js';
import { type PhaseLine, silenceLimit } from './line.js';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameTime = 120;
/** What a terminal takes for: this line is empty, and begins anew. */
const clearedLine = '\r\u001B[K';

/** How the running lines are shown: redrawn on a terminal, or told now and then in a log. */
export interface Surface {
  /** Lines that stay, as they are. */
  print(text: string): void;
  /** Breaks text, which has no colours yet, between words where it would be wider than there is room. */
  fitted(text: string): string;
  /** Shows what runs now; called at every change and every {@link interval}. */
  refresh(running: readonly PhaseLine[]): void;
  readonly interval: number;
  close(): void;
}

/** @param stream - of a terminal whose width is known */
export function terminalSurface(stream: NodeJS.WriteStream): Surface {
  const style = styleFor(stream);
  const live = logUpdate().createLogUpdate(stream);
  let frame = 0;
  let hasBegun = false;
  // Jest has written “Determining test suites to run...”, and takes that away itself: without this the first line follows it
  const begin = (): void => {
    if (!hasBegun) stream.write(clearedLine);
    hasBegun = true;
  };
  return {
    interval: frameTime,
    print: (text) => {
      begin();
      live.clear();
      // not by way of `live`, which breaks a path in two: a terminal wraps what it knows to be one line
      stream.write(`${text}\n`);
    },
    fitted: (text) => brokenAt(stream.columns - 1, text),
    refresh: (running) => {
      begin();
      frame = (frame + 1) % frames.length;
      const mark = frames[frame] ?? '';
      const lines = running.map((line) => line.renderIn(stream.columns || 80, mark));
      live(lines.map((line) => line.replace(mark, style('cyan', mark))).join('\n'));
    },
    close: () => {
      live.clear();
      live.done();
    },
  };
}

export function logSurface(stream: NodeJS.WriteStream): Surface {
  const told = new Map<PhaseLine, number>();
  return {
    interval: 1000,
    print: (text) => stream.write(`${text}\n`),
    fitted: (text) => text,
    refresh: (running) => {
      for (const line of running) {
        // first after the silence limit, then at longer and longer intervals
        const next = told.get(line) ?? silenceLimit;
        if (line.elapsed < next) continue;
        told.set(line, next * 2);
        stream.write(`${line.render()}\n`);
      }
    },
    close: () => {
      told.clear();
    },
  };
}
