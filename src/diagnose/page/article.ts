import type { TestRecord } from '../tests/record.js';
import { Axis } from './axis.js';
import { type Html, html } from './html.js';

/** What a link leads to it by. */
export const idOf = (failure: TestRecord): string => `t-${failure.folder.replace(/[^\p{L}\p{N}-]+/gu, '-')}`;

/** `docker login` as code. */
const withCode = (text: string): Html =>
  html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;

/** One failure: what it was, why, and what happened around it. */
export function article(failure: TestRecord): Html {
  const { file, test, startedAt, endedAt, error, cause, lacks, pods, unseen, folder } = failure;
  const lines = linesOf(failure);
  const axis = new Axis([startedAt, endedAt, ...lines.map(({ at }) => at)]);
  const why =
    cause &&
    html`<div class="cause">
      <b>${cause.sentence} <span class="code">${cause.code}</span></b>
      ${
        cause.evidence.length > 0
          ? html`<ul>
              ${cause.evidence.map((line) => html`<li>${line}</li>`)}
            </ul>`
          : undefined
      }
      ${cause.remedy === undefined ? undefined : html`<div>→ ${withCode(cause.remedy)}</div>`}
    </div>`;
  return html`<article id="${idOf(failure)}">
    <h2>${test}</h2>
    <p class="soft">
      ${file}${file === '' ? '' : ', '}${((endedAt - startedAt) / 1000).toFixed(1)}
      s${folder === '' ? undefined : html`, <a href="${encodeURI(folder)}/">${folder}</a>`}
    </p>
    ${why}${lacks.map((each) => html`<p>waited for in vain: ${each}</p>`)}
    ${error === cause?.sentence ? undefined : html`<pre>${error}</pre>`}
    ${lines.length + pods.length === 0 ? undefined : chartOf(failure, axis)}
    ${
      lines.length === 0
        ? undefined
        : html`<details open>
            <summary>Events, logs and changes, in their order</summary>
            <div class="lines">
              <table>
                ${lines.map(
                  ({ at, kind, source, text }) =>
                    html`<tr class="${kind}">
                      <td>${axis.offset(at)}</td>
                      <td title="${source}">${source}</td>
                      <td>${text}</td>
                    </tr> `,
                )}
              </table>
            </div>
          </details>`
    }
    ${unseen.length === 0 ? undefined : html`<p class="soft">What could not be had: ${unseen.join('; ')}</p>`}
  </article> `;
}

function chartOf(
  { file, test, startedAt, endedAt, pods, events, logs, changes }: TestRecord,
  axis: Axis,
): Html {
  return axis.chart([
    {
      heading: file === '' ? 'Phase' : 'Test',
      rows: [{ label: test, bars: [{ from: startedAt, to: endedAt, state: 'failed', what: test }] }],
    },
    { heading: 'Pods', rows: pods.map(({ name, parts }) => ({ label: name, bars: parts })) },
    {
      heading: 'Moments',
      rows: [
        {
          label: 'events',
          bars: [],
          dots: events.map(({ at, object, reason, isWarning }) => ({
            at,
            state: isWarning ? 'warning' : 'normal',
            what: `${object} ${reason}`,
          })),
        },
        {
          label: 'log lines',
          bars: [],
          dots: logs
            .slice(-200)
            .map(({ at, source, text }) => ({ at, state: 'running', what: `${source}: ${text}` })),
        },
        {
          label: 'changes',
          bars: [],
          dots: changes.map(({ at, object, what }) => ({ at, state: 'done', what: `${object} ${what}` })),
        },
      ].filter(({ dots }) => dots.length > 0),
    },
  ]);
}

interface Line {
  at: number;
  kind: string;
  source: string;
  text: string;
}

/** On one axis; of what was at the same time, its cause first. */
function linesOf({ events, logs, changes }: TestRecord): Line[] {
  return [
    ...changes.map(({ at, object, what }) => ({ at, kind: 'change', source: object, text: what })),
    ...events.map(({ at, object, reason, message, times, isWarning }) => ({
      ...{ at, kind: isWarning ? 'warning' : 'event', source: object },
      text: `${reason}${times > 1 ? ` (${String(times)} times)` : ''}: ${message}`,
    })),
    ...logs.map(({ at, source, text }) => ({ at, kind: 'log', source, text })),
  ].sort((a, b) => a.at - b.at);
}
