import type { ReactElement } from 'react';

interface SegmentsProps<Name extends string> {
  readonly label: string;
  readonly options: readonly (readonly [Name, string])[];
  readonly selected: Name;
  readonly onSelect: (name: Name) => void;
}

/** A choice of a few views, all visible at once. */
export function Segments<Name extends string>({
  label,
  options,
  selected,
  onSelect,
}: SegmentsProps<Name>): ReactElement {
  return (
    <div
      role="group"
      aria-label={label}
      className="flex h-7 items-center rounded-md border border-line-strong bg-sunken p-0.5"
    >
      {options.map(([name, title]) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === selected}
          onClick={() => onSelect(name)}
          className={`h-full rounded px-2.5 text-xs font-medium ${name === selected ? 'bg-surface text-ink shadow-sm' : 'text-ink-2 hover:text-ink'}`}
        >
          {title}
        </button>
      ))}
    </div>
  );
}
