import { useQuery } from '@tanstack/react-query';
import { ChevronRight } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { Hl7TreeSegment } from '../../../src/api/contract/body.ts';
import { hl7Tree, type Part } from '../api/queries.ts';
import { INPUT } from '../element/field.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { Hl7Field } from './hl7-field.tsx';

/** An HL7 message as segments and fields with the names its version gives them. Each path can be copied. */
export function Hl7TreeView({
  id,
  part,
}: {
  readonly id: number;
  readonly part: Part;
}): ReactElement {
  const { data, error } = useQuery(hl7Tree(id, part));
  const [text, setText] = useState('');
  if (error !== null)
    return (
      <div className="p-3">
        <Problem error={error} />
      </div>
    );
  if (data === undefined) return <Waiting />;
  const segments = data.segments
    .map((segment) => matching(segment, text.trim().toLowerCase()))
    .filter((one) => one !== undefined);
  return (
    <div className="pb-3">
      <div className="sticky top-0 z-10 flex flex-wrap items-center gap-2 border-b border-line bg-surface px-3 py-1.5">
        <input
          type="search"
          aria-label={t('Find in the message')}
          placeholder={t('find path, name or value')}
          value={text}
          onChange={({ target }) => setText(target.value)}
          className={`${INPUT} !w-52`}
        />
        <span className="text-xs text-ink-2">
          {[data.title ?? data.message, `HL7 ${data.version}`, data.charset]
            .filter(Boolean)
            .join(' · ')}
        </span>
        {data.masked && <Masked />}
      </div>
      {segments.map((segment) => (
        <Segment key={`${segment.name} ${segment.index}`} segment={segment} />
      ))}
      {segments.length === 0 && (
        <p className="p-4 text-ink-2">{t('Nothing in this message fits “{text}”.', { text })}</p>
      )}
    </div>
  );
}

/** Says that the server has hidden what this person may not see. */
export function Masked(): ReactElement {
  return (
    <span className="rounded bg-warn-soft px-1.5 text-2xs font-medium text-warn">
      {t('patient data masked')}
    </span>
  );
}

function matching(segment: Hl7TreeSegment, text: string): Hl7TreeSegment | undefined {
  if (text === '' || `${segment.name} ${segment.title ?? ''}`.toLowerCase().includes(text))
    return segment;
  const fields = segment.fields.filter(({ path, name, raw, meaning }) =>
    `${path} ${name ?? ''} ${raw} ${meaning ?? ''}`.toLowerCase().includes(text),
  );
  return fields.length === 0 ? undefined : { ...segment, fields };
}

function Segment({ segment }: { readonly segment: Hl7TreeSegment }): ReactElement {
  const { name, index, title, fields } = segment;
  return (
    <details open className="group/segment border-b border-line">
      <summary className="flex items-center gap-1.5 bg-sunken px-2 py-1 list-none">
        <ChevronRight
          size={14}
          className="text-ink-3 group-open/segment:rotate-90"
          aria-hidden="true"
        />
        <span className="font-mono text-xs font-semibold">
          {name}
          {index > 1 ? ` (${index})` : ''}
        </span>
        <span className="truncate text-xs text-ink-2">{title}</span>
      </summary>
      {fields.map((field) => (
        <Hl7Field key={field.path} field={field} />
      ))}
    </details>
  );
}
