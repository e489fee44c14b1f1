import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { ask } from '../api/client.ts';
import { t } from '../language/translate.ts';

/** An HL7 path that ends at the caret: its segment and the hyphen are there. */
const PATH = /(?:^|[^\w/])([A-Z][A-Z\d]{2}(?:\[[\d*#]*\])?-[\d.[\]*#]*)$/;

/** A text that is changed; below it, what may follow in the HL7 path at the caret. */
export function TextEditor({
  text,
  line = Number.NaN,
  onChange,
}: {
  readonly text: string;
  /** Where the caret is at first, from 1: what somebody came for. */
  readonly line?: number | undefined;
  readonly onChange: (text: string) => void;
}): ReactElement {
  const area = useRef<HTMLTextAreaElement>(null);
  const [caret, setCaret] = useState(0);
  const beginning = PATH.exec(text.slice(Math.max(0, caret - 60), caret))?.[1];
  useEffect(() => {
    if (area.current !== null && line > 1) goTo(area.current, line);
  }, [line]);
  const follow = (): void => setCaret(area.current?.selectionStart ?? 0);
  const choose = (path: string): void => {
    const from = caret - (beginning?.length ?? 0);
    onChange(text.slice(0, from) + path + text.slice(caret));
    setCaret(from + path.length);
    // the text is there with the next frame
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(from + path.length, from + path.length);
    });
  };
  return (
    <>
      <textarea
        ref={area}
        aria-label={t('Text of the file')}
        value={text}
        onChange={({ target }) => {
          onChange(target.value);
          setCaret(target.selectionStart);
        }}
        onSelect={follow}
        spellCheck={false}
        rows={Math.min(40, text.split('\n').length + 2)}
        className="block w-full resize-y bg-surface px-3 py-2 font-mono text-xs leading-5 text-ink"
      />
      {beginning !== undefined && <Following beginning={beginning} onChoose={choose} />}
    </>
  );
}

function goTo(area: HTMLTextAreaElement, line: number): void {
  const lines = area.value.split('\n');
  const before = lines.slice(0, line - 1);
  const at = before.join('\n').length + 1;
  area.focus({ preventScroll: true });
  area.setSelectionRange(at, at);
  // long lines take several rows
  area.scrollTop = (area.scrollHeight * before.length) / lines.length - area.clientHeight / 2;
  area.scrollIntoView({ block: 'nearest' });
}

function Following({
  beginning,
  onChoose,
}: {
  readonly beginning: string;
  readonly onChoose: (path: string) => void;
}): ReactElement | null {
  // the number being written narrows the list; what comes before it is asked for once
  const asked = beginning.replace(/\d+$/, '');
  const { data } = useQuery({
    queryKey: ['paths', asked],
    queryFn: ({ signal }) =>
      ask('GET /production/files/paths', { query: { beginning: asked }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (before) => before,
  });
  // what is written already needs no offer
  const found = (data?.paths ?? []).filter(
    ({ path }) => path.startsWith(beginning) && path !== beginning,
  );
  if (found.length === 0) return null;
  return (
    <ul
      aria-label={t('HL7 paths that begin with {beginning}', { beginning })}
      className="max-h-40 overflow-y-auto border-t border-line py-1 text-xs"
      translate="no"
    >
      {found.map(({ path, name, about }) => (
        <li key={path}>
          <button
            type="button"
            title={about?.replaceAll('`', '')}
            onClick={() => onChoose(path)}
            className="flex min-h-6 w-full items-center gap-3 px-3 text-left hover:bg-hover"
          >
            <span className="w-24 shrink-0 font-mono">{path}</span>
            <span className="min-w-0 truncate text-ink-2">{name}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
