import { type Html, html } from './html.js';

/** Steps between two marks of an axis, in milliseconds. */
const steps = [100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1800e3, 3600e3];
const marks = 10;

/** `0 s`, `1.5 s`, `2 min 30 s`. */
function offset(ms: number): string {
  if (ms < 60_000) return `${String(Math.round(ms / 100) / 10)} s`;
  const seconds = Math.round(ms / 1000);
  return `${String(Math.floor(seconds / 60))} min${seconds % 60 === 0 ? '' : ` ${String(seconds % 60)} s`}`;
}

export interface Bar {
  from: number;
  to: number;
  /** Its colour. */
  state: string;
  /** Told when it is pointed at. */
  what: string;
  /** What it leads to. */
  href?: string | undefined;
}

export interface Row {
  label: string;
  /** Of the label, where it is longer than its column. */
  title?: string;
  bars: readonly Bar[];
  /** Moments. */
  dots?: readonly { at: number; state: string; what: string }[];
}

/** A span of time, as a chart of bars is drawn over it. */
export class Axis {
  readonly #from: number;
  readonly #length: number;

  constructor(moments: readonly number[]) {
    const known = moments.filter((each) => each > 0);
    this.#from = Math.min(...known);
    this.#length = Math.max(1, Math.max(...known) - this.#from);
  }

  #percent(at: number): number {
    return Math.min(100, Math.max(0, ((at - this.#from) / this.#length) * 100));
  }

  #at(at: number): string {
    return `${this.#percent(at).toFixed(3)}%`;
  }

  #bar({ from, to, state, what, href }: Bar): Html {
    const width = `${Math.max(0, this.#percent(to) - this.#percent(from)).toFixed(3)}%`;
    const words = `${what} (${offset(from - this.#from)} to ${offset(to - this.#from)}, ${offset(to - from)})`;
    const style = `left:${this.#at(from)};width:${width}`;
    return href === undefined
      ? html`<span class="bar ${state}" style="${style}" title="${words}"></span>`
      : html`<a class="bar ${state}" style="${style}" title="${words}" href="${href}"></a>`;
  }

  #row({ label, title = label, bars, dots = [] }: Row): Html {
    const moments = dots.map(
      ({ at, state, what }) =>
        html`<i
          class="dot ${state}"
          style="left:${this.#at(at)}"
          title="${offset(at - this.#from)}: ${what}"
        ></i>`,
    );
    return html`<div class="row">
      <span class="label" title="${title}">${label}</span>
      <div class="track">${bars.map((bar) => this.#bar(bar))}${moments}</div>
    </div> `;
  }

  /** Since its beginning, as text. */
  offset(at: number): string {
    return `${((at - this.#from) / 1000).toFixed(1)} s`;
  }

  /** @param groups - rows under headings */
  chart(groups: readonly { heading: string; rows: readonly Row[] }[]): Html {
    const step = steps.find((each) => this.#length / each <= marks) ?? this.#length;
    const ticks = Array.from({ length: Math.floor(this.#length / step) + 1 }, (_, index) => index * step)
      // one at the very end has no room for its words
      .filter((tick) => tick < this.#length * 0.95);
    const shown = groups.filter(({ rows }) => rows.length > 0);
    return html`<div class="chart">
      <div class="row axis">
        <span class="label"></span>
        <div class="track">
          ${ticks.map(
            (tick) =>
              html`<span class="tick" style="left:${((tick / this.#length) * 100).toFixed(3)}%"
                >${offset(tick)}</span
              >`,
          )}
        </div>
      </div>
      ${shown.map(
        ({ heading, rows }) =>
          html`<h3>${heading}</h3>
            ${rows.map((row) => this.#row(row))}`,
      )}
    </div>`;
  }
}
