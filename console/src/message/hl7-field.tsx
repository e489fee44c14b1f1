import type { ReactElement, ReactNode } from 'react';
import type { Hl7TreeField } from '../../../src/api/contract/body.ts';
import { CopyButton } from '../element/copy-button.tsx';
import { t } from '../language/translate.ts';

const LINE =
  'group grid grid-cols-[6.5rem_12rem_minmax(0,1fr)_1.25rem] items-start gap-x-2 px-2 hover:bg-hover max-sm:grid-cols-[5.5rem_minmax(0,1fr)_1.25rem]';

/** One field with its path, name, value and what its code means; below it the components of every repetition. */
export function Hl7Field({ field }: { readonly field: Hl7TreeField }): ReactElement {
  const { path, name, raw, meaning, repetitions, table } = field;
  const parts = repetitions.flat().filter(({ value }) => value !== '');
  const nested = repetitions.length > 1 || repetitions.some((one) => one.length > 1);
  return (
    <>
      <Line
        path={path}
        name={name}
        hint={table === undefined ? name : t('{name} · table {table}', { name: name ?? '', table })}
      >
        {raw}
        {meaning !== undefined && <span className="ml-2 font-sans text-ink-2">{meaning}</span>}
      </Line>
      {nested &&
        parts.map((component) => (
          <Line
            key={component.path}
            path={component.path}
            name={component.name}
            hint={component.name}
            part
          >
            {component.value}
          </Line>
        ))}
    </>
  );
}

interface LineProps {
  readonly path: string;
  readonly name: string | undefined;
  readonly hint: string | undefined;
  readonly children: ReactNode;
  /** A component, which stands below its field. */
  readonly part?: boolean;
}

function Line({ path, name, hint, children, part = false }: LineProps): ReactElement {
  const small = part ? 'text-2xs text-ink-3' : 'text-xs text-ink-2';
  return (
    <div className={LINE}>
      <span
        className={`py-0.5 font-mono ${small} ${part ? 'pl-7 max-sm:pl-3' : 'pl-5 max-sm:pl-0'}`}
      >
        {path}
      </span>
      <span className={`truncate py-0.5 max-sm:hidden ${small}`} title={hint}>
        {name}
      </span>
      <span className="py-0.5 font-mono text-xs break-all whitespace-pre-wrap">
        {children}
        {name !== undefined && (
          <span className="block font-sans text-2xs break-normal text-ink-3 sm:hidden">{name}</span>
        )}
      </span>
      <CopyButton text={path} label={t('Copy the path {path}', { path })} quiet />
    </div>
  );
}
