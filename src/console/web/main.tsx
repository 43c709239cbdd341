// The page: one address, one view; links are links. / goes to the search box, j and k along the rows, Enter opens.
import { render, type VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SessionAnswer } from '../shape.ts';
import { AlertPage } from './alert.tsx';
import { AlertsPage } from './alerts.tsx';
import { AllowPage } from './allow.tsx';
import { EntityPage } from './entity.tsx';
import { post, signedOut, useAsk } from './http.ts';
import { Login } from './login.tsx';
import { SearchPage } from './search.tsx';
import { SensorsPage } from './sensors.tsx';
import { Fault } from './text.tsx';
import { nextTheme, useTheme } from './theme.ts';

interface Place {
  readonly path: string;
  readonly query: string;
}

const here = (): Place => ({ path: location.pathname, query: location.search });

export function go(to: string): void {
  history.pushState(null, '', to);
  dispatchEvent(new PopStateEvent('popstate'));
  scrollTo(0, 0);
}

/** Links of this console change the place without loading the page anew. */
function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = (event.target as Element | null)?.closest('a[href]:not([download])');
  const href = link?.getAttribute('href') ?? '';
  if (!href.startsWith('/') || href.startsWith('//')) return;
  event.preventDefault();
  go(href);
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.matches('input, textarea, select') || target.isContentEditable);

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target)) {
    if (event.key === 'Escape') (event.target as HTMLElement).blur();
    return;
  }
  if (event.key === '/') {
    event.preventDefault();
    const box = document.querySelector<HTMLInputElement>('#search');
    box?.focus();
    box?.select();
  } else if (event.key === 'j' || event.key === 'k') {
    const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    const to = event.key === 'j' ? Math.min(at + 1, rows.length - 1) : Math.max(at - 1, 0);
    rows[to]?.focus();
    rows[to]?.scrollIntoView({ block: 'nearest' });
  }
}

function decoded(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? '');
  } catch {
    return part ?? '';
  }
}

function View({ path, query }: Place): VNode {
  const [, first, second, third] = path.split('/');
  if (first === '') return <AlertsPage query={query} />;
  if (first === 'alerts') return <AlertPage id={decoded(second)} />;
  if (first === 'search') return <SearchPage query={query} />;
  if (first === 'entity') return <EntityPage cls={decoded(second)} value={decoded(third)} />;
  if (first === 'allow') return <AllowPage />;
  if (first === 'sensors') return <SensorsPage query={query} />;
  return <Fault fault={{ error: 'There is no such page.', hint: 'The alerts are at /.' }} />;
}

function SearchBox({ query }: { query: string }): VNode {
  const asked = new URLSearchParams(query).get('q') ?? '';
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const text = document.querySelector<HTMLInputElement>('#search')?.value.trim() ?? '';
        if (text !== '') go(`/search?q=${encodeURIComponent(text)}`);
      }}
    >
      <label class="hidden" for="search">
        Search all events
      </label>
      <input
        id="search"
        type="search"
        key={asked}
        defaultValue={asked}
        placeholder="Address, name, hash, or any text"
        autocomplete="off"
        spellcheck={false}
        maxLength={512}
        dir="auto"
      />
      <kbd>/</kbd>
    </form>
  );
}

function Shell({ place, onEnd }: { place: Place; onEnd: () => void }): VNode {
  const [theme, setTheme] = useTheme();
  const current = (path: string, isIt: boolean): object => ({ href: path, 'aria-current': isIt ? 'page' : undefined });
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header>
        <a href="/" class="mark" aria-label="Catenary: alerts">
          <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
            <path d="M4 6 Q16 42 28 6" />
          </svg>
          Catenary
        </a>
        <nav aria-label="Pages">
          <a {...current('/', place.path === '/' || place.path.startsWith('/alerts/'))}>Alerts</a>
          <a {...current('/allow', place.path === '/allow')}>Allow-list</a>
          <a {...current('/sensors', place.path === '/sensors')}>Sensors</a>
        </nav>
        <search>
          <SearchBox query={place.path === '/search' ? place.query : ''} />
        </search>
        <button type="button" class="quiet" onClick={() => setTheme(nextTheme(theme))}>
          Theme: {theme}
        </button>
        <button type="button" class="quiet" onClick={() => void post('/api/logout', {}).then(onEnd)}>
          Sign out
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        <View {...place} />
      </main>
      <footer>
        <span>
          <kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> next, previous <kbd>Enter</kbd> open
        </span>
        <span>All times are UTC.</span>
      </footer>
    </>
  );
}

function App(): VNode | null {
  const [place, setPlace] = useState(here);
  const [round, setRound] = useState(0);
  const session = useAsk<SessionAnswer>(`/api/session?${round}`);
  useTheme();
  useEffect(() => {
    const move = (): void => setPlace(here());
    const again = (): void => setRound((n) => n + 1);
    addEventListener('popstate', move);
    addEventListener('click', onClick);
    addEventListener('keydown', onKey);
    signedOut.addEventListener('end', again);
    return () => {
      removeEventListener('popstate', move);
      removeEventListener('click', onClick);
      removeEventListener('keydown', onKey);
      signedOut.removeEventListener('end', again);
    };
  }, []);
  if (session.value === undefined) return session.fault === undefined ? null : <Fault fault={session.fault} />;
  if (!session.value.signedIn) return <Login isFirst={session.value.isFirst} onDone={() => setRound((n) => n + 1)} />;
  return <Shell place={place} onEnd={() => setRound((n) => n + 1)} />;
}

const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
