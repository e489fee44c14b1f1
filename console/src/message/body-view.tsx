import { Download } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { apiUrl } from '../api/client.ts';
import type { Part } from '../api/queries.ts';
import { Tabs } from '../element/tabs.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { HexView } from './hex-view.tsx';
import { Hl7TreeView } from './hl7-tree.tsx';
import { MailView } from './mail-view.tsx';
import { TableView } from './table-view.tsx';
import { TextView } from './text-view.tsx';

type View = 'tree' | 'mail' | 'pretty' | 'table' | 'raw' | 'hex';

const TITLES = {
  tree: t('Tree'),
  mail: t('Mail'),
  pretty: t('Pretty'),
  table: t('Table'),
  raw: t('Raw'),
  hex: t('Hex'),
} as const satisfies Record<View, string>;

/** The ways to look at a body of that type, best first. */
function viewsOf(type: string): readonly View[] {
  if (type.startsWith('HL7v2')) return ['tree', 'raw', 'hex'];
  if (/^message\/rfc822\b/i.test(type)) return ['mail', 'raw', 'hex'];
  if (/json|xml/i.test(type) || type.startsWith('FHIR')) return ['pretty', 'raw', 'hex'];
  if (/csv|delimited|tab-separated/i.test(type)) return ['table', 'raw', 'hex'];
  return ['raw', 'hex'];
}

interface BodyViewProps {
  readonly id: number;
  readonly part: Part;
  readonly type: string;
  readonly view?: string | undefined;
  readonly onView?: (view: string) => void;
}

/** A body in the form that suits its type, or as text or bytes. */
export function BodyView({ id, part, type, view, onView }: BodyViewProps): ReactElement {
  const may = useMay();
  const views = viewsOf(type);
  const [own, setOwn] = useState<View | undefined>(undefined);
  const selected = views.find((one) => one === (view ?? own)) ?? views[0] ?? 'raw';
  if (!may('message.content'))
    return (
      <p className="p-4 text-ink-2">
        {t('You may see that this message passed, not what it holds.')}
      </p>
    );
  return (
    <Tabs
      label={t('View of the body')}
      tabs={views.map((one) => [one, TITLES[one]] as const)}
      selected={selected}
      onSelect={(next) => {
        setOwn(next);
        onView?.(next);
      }}
      actions={
        may('message.export') && may('message.content.unmasked') ? (
          <a
            href={apiUrl(`messages/${id}/body/raw`, { part })}
            download
            className="inline-flex size-7 items-center justify-center rounded text-ink-2 hover:bg-hover"
            aria-label={t('Download the exact bytes')}
            title={t('Download the exact bytes')}
          >
            <Download size={14} aria-hidden="true" />
          </a>
        ) : undefined
      }
    >
      {selected === 'tree' && <Hl7TreeView id={id} part={part} />}
      {(selected === 'raw' || selected === 'pretty') && (
        <TextView id={id} part={part} pretty={selected === 'pretty'} />
      )}
      {selected === 'mail' && <MailView id={id} part={part} />}
      {selected === 'hex' && <HexView id={id} part={part} />}
      {selected === 'table' && <TableView id={id} part={part} />}
    </Tabs>
  );
}
