import { type ReactElement, useEffect, useRef } from 'react';
import { t } from '../language/translate.ts';

/** Pixels. */
const LINE = 20;
/** The browser lays out only the blocks that are in view, and finds text in all of them. */
const BLOCK = 200;

/** A text with line numbers; the selected line is scrolled into view and marked. */
export function NumberedLines({
  text,
  line,
}: {
  readonly text: string;
  readonly line: number;
}): ReactElement {
  const wanted = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    wanted.current?.scrollIntoView({ block: 'center' });
  }, [text, line]);
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  const blocks = Array.from({ length: Math.ceil(lines.length / BLOCK) }, (_, at) => at * BLOCK);
  return (
    <pre
      className="overflow-x-auto py-1 font-mono text-xs leading-5"
      tabIndex={0}
      aria-label={t('Text of the file')}
      translate="no"
    >
      {blocks.map((from) => {
        const own = lines.slice(from, from + BLOCK);
        const at = line - 1 - from;
        const isHere = at >= 0 && at < own.length;
        return (
          <div
            key={from}
            className="flex w-max min-w-full"
            style={{
              contentVisibility: 'auto',
              containIntrinsicHeight: `${own.length * LINE}px`,
            }}
          >
            <span
              className="w-14 shrink-0 pr-3 text-right text-ink-2 select-none"
              aria-hidden="true"
            >
              {own.map((_, n) => from + n + 1).join('\n')}
            </span>
            <code className="grow pr-3 whitespace-pre">
              {isHere ? (
                <>
                  {own.slice(0, at).join('\n')}
                  <span ref={wanted} aria-current="location" className="block min-h-5 bg-warn-soft">
                    {own[at]}
                  </span>
                  {own.slice(at + 1).join('\n')}
                </>
              ) : (
                own.join('\n')
              )}
            </code>
          </div>
        );
      })}
    </pre>
  );
}
