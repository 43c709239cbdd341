// Dark or light: what the system says, until somebody says otherwise here. Remembered in this browser alone.
import { useEffect, useState } from 'preact/hooks';

export type Theme = 'auto' | 'dark' | 'light';
const THEMES: readonly Theme[] = ['auto', 'dark', 'light'];
const KEY = 'catenary-theme';

export const nextTheme = (theme: Theme): Theme => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme;

function kept(): Theme {
  try {
    return THEMES.find((t) => t === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    // A browser that keeps nothing still shows everything.
    return 'auto';
  }
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(kept);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [
    theme,
    (next) => {
      setTheme(next);
      try {
        localStorage.setItem(KEY, next);
      } catch {
        // As above.
      }
    },
  ];
}
