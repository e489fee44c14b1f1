import {
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
  useEffect,
  useId,
  useRef,
} from 'react';

interface TabsProps<Name extends string> {
  readonly label: string;
  readonly tabs: readonly (readonly [Name, string])[];
  readonly selected: Name;
  readonly onSelect: (name: Name) => void;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

/** Tabs following the ARIA pattern: arrow keys move between them, Tab goes into the panel. */
export function Tabs<Name extends string>({
  label,
  tabs,
  selected,
  onSelect,
  children,
  actions,
}: TabsProps<Name>): ReactElement {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // on a phone the selected one may lie beyond the edge
    const box = list.current?.parentElement;
    const tab = list.current?.querySelector('[aria-selected=true]');
    if (box == null || tab == null) return;
    const beyond = tab.getBoundingClientRect().right - box.getBoundingClientRect().right;
    if (beyond > 0) box.scrollLeft += beyond;
  }, [selected]);
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (move === undefined) return;
    const at = tabs.findIndex(([name]) => name === selected);
    const next = tabs[(at + move + tabs.length) % tabs.length];
    if (next === undefined) return;
    event.preventDefault();
    onSelect(next[0]);
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next[0]}"]`)?.focus();
  };
  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col">
      <div className="flex min-h-9 shrink-0 items-center gap-1 overflow-x-auto border-b border-line px-2">
        <div
          ref={list}
          role="tablist"
          aria-label={label}
          className="flex gap-1"
          onKeyDown={onKeyDown}
        >
          {tabs.map(([name, title]) => (
            <button
              key={name}
              type="button"
              role="tab"
              data-tab={name}
              id={`${id}-${name}`}
              aria-selected={name === selected}
              aria-controls={`${id}-panel`}
              tabIndex={name === selected ? 0 : -1}
              onClick={() => onSelect(name)}
              className={`h-9 border-b-2 px-2 text-xs whitespace-nowrap ${name === selected ? 'border-accent font-medium text-ink' : 'border-transparent text-ink-2 hover:text-ink'}`}
            >
              {title}
            </button>
          ))}
        </div>
        <div className="ml-auto flex shrink-0 items-center gap-1">{actions}</div>
      </div>
      <div
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${selected}`}
        tabIndex={0}
        className="min-h-0 flex-1 overflow-auto outline-offset-[-2px]"
      >
        {children}
      </div>
    </div>
  );
}
