// What a person sees: results on standard output, all else on standard error; a bar on a terminal, else a line per stage.
import { styleText } from 'node:util';
import type { Progress, Stage } from '../../analysis/progress.ts';
import { plain } from '../../reports/plain.ts';

export interface TerminalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
  readonly progress: boolean;
  readonly colour: boolean;
}

export interface Terminal extends TerminalOptions {
  readonly bar: Progress;
  /** The width of standard output, where that is a terminal. */
  readonly columns: number | undefined;
  /** A result for a person: standard output, and nothing with --json. */
  print(text: string): void;
  /** A line about the work: standard error, nothing with --quiet. */
  tell(text: string): void;
  /** An error: standard error, always. */
  complain(message: string, hint?: string): void;
  /** Lines of another program: standard error, always. */
  pass(text: string): void;
  /** Styles text for standard output, where that shows colours. */
  paint(style: Parameters<typeof styleText>[0], text: string): string;
  /** Takes the bar away. */
  close(): void;
}

/** Redrawing more often than this only costs time. */
const REDRAW_MS = 100;
const BAR_WIDTH = 24;

/** Lines about the work, in which names of strangers may stand. */
const plainLines = (text: string): string => text.split('\n').map(plain).join('\n');

interface OpenStage {
  readonly name: string;
  readonly total: number | undefined;
  readonly started: number;
  count: number;
}

/** The terminal of a command, over any pair of streams. */
export function openTerminal(
  options: TerminalOptions,
  { out, err, now = () => performance.now() }: { out: NodeJS.WriteStream; err: NodeJS.WriteStream; now?: () => number },
): Terminal {
  const live = options.progress && !options.quiet && err.isTTY;
  const colour = options.colour && err.isTTY;
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const stages: OpenStage[] = [];
  let drawn = -Infinity;
  let onScreen = false;

  const wipe = (): void => {
    if (onScreen) err.write('\r\u001b[2K');
    onScreen = false;
  };
  const draw = (): void => {
    const stage = stages.at(-1);
    if (!live || !stage) return;
    drawn = now();
    const line = barOf(stage, now());
    err.write(`\r\u001b[2K${line.slice(0, Math.max(20, (err.columns || 80) - 1))}`);
    onScreen = true;
  };
  const tell = (text: string): void => {
    if (options.quiet) return;
    wipe();
    err.write(`${plainLines(text)}\n`);
    draw();
  };

  const bar: Progress = {
    stage(name, total): Stage {
      const stage: OpenStage = { name: plain(name), total, started: now(), count: 0 };
      stages.push(stage);
      draw();
      return {
        advance(count = 1) {
          stage.count += count;
          if (now() - drawn >= REDRAW_MS) draw();
        },
        done() {
          const at = stages.indexOf(stage);
          if (at < 0) return;
          stages.splice(at, 1);
          wipe();
          const counted = stage.count > 0 ? `${stage.count} in ` : '';
          if (options.progress && !options.quiet)
            err.write(`${paint('dim', `${stage.name}: ${counted}${duration(now() - stage.started)}`)}\n`);
          draw();
        },
      };
    },
    note: tell,
  };

  return {
    ...options,
    bar,
    columns: out.isTTY ? out.columns : undefined,
    print(text) {
      if (options.json) return;
      wipe();
      out.write(`${text}\n`);
      draw();
    },
    tell,
    complain(message, hint) {
      wipe();
      err.write(`${paint('red', 'eigenlens:')} ${plainLines(message)}\n${hint ? `  ${plainLines(hint)}\n` : ''}`);
    },
    pass(text) {
      wipe();
      err.write(`${text}\n`);
    },
    paint: (style, text) => (options.colour && out.isTTY ? styleText(style, text, { validateStream: false }) : text),
    close: wipe,
  };
}

/** `name  ██████░░░░ 12/40  3.1/s  9 s left`. */
function barOf({ name, total, started, count }: OpenStage, time: number): string {
  const seconds = (time - started) / 1000;
  const rate = count > 0 && seconds > 0 ? count / seconds : 0;
  if (!total) return `${name}${count > 0 ? `  ${count}` : ''}  ${duration(time - started)}`;
  const share = Math.min(1, count / total);
  const filled = Math.round(share * BAR_WIDTH);
  const left = rate > 0 && count < total ? `  ${duration(((total - count) / rate) * 1000)} left` : '';
  const speed = rate > 0 ? `  ${rate >= 10 ? Math.round(rate) : rate.toPrecision(2)}/s` : '';
  return `${name}  ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${count}/${total}${speed}${left}`;
}

/** 850 ms, 3.4 s, 2 min 5 s. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Rows as aligned columns, names in them plain; the first row is the heading. Numbers align right. */
export function table(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(plain));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const numeric = rows[0]!.map(
    (_, column) => rows.length > 1 && rows.slice(1).every((row) => /^[\d,.×–-]*$/.test(row[column]!)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [line(rows[0]!), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n');
}
