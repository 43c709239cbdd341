// Takes comments, and where wanted the text of strings, out of TypeScript and C++ while every line stays where it was:
// a word rule must not fire on prose. It is not a parser. A quote never runs past the end of its line, so a quote in a
// regular expression costs at most that line; a template's ${} is followed to its end.

/** The text with comments blanked, strings kept. */
export function withoutComments(text, language) {
  return blank(text, language, false);
}

/** Lines with comments and the insides of strings blanked. */
export function codeLines(text, language) {
  return blank(text, language, true).split('\n');
}

function blank(text, language, strings) {
  const out = text.split('');
  const n = text.length;
  const hide = (from, to) => {
    for (let k = from; k < to; k++) if (text[k] !== '\n') out[k] = ' ';
  };
  const templates = []; // brace depth at which each open ${ began
  let depth = 0;
  let i = 0;
  const skipTemplate = (from) => {
    let k = from;
    while (k < n && text[k] !== '`') {
      if (text[k] === '\\') k++;
      else if (text[k] === '$' && text[k + 1] === '{') {
        templates.push(depth);
        depth++;
        if (strings) hide(from, k);
        return k + 2;
      }
      k++;
    }
    if (strings) hide(from, Math.min(k, n));
    return k + 1;
  };
  while (i < n) {
    const c = text[i];
    if (c === '/' && text[i + 1] === '/') {
      const end = text.indexOf('\n', i);
      hide(i, end < 0 ? n : end);
      i = end < 0 ? n : end;
    } else if (c === '/' && text[i + 1] === '*') {
      const end = text.indexOf('*/', i + 2);
      hide(i, end < 0 ? n : end + 2);
      i = end < 0 ? n : end + 2;
    } else if (language === 'cc' && c === 'R' && text[i + 1] === '"' && !/\w/.test(text[i - 1] ?? '')) {
      const open = text.indexOf('(', i);
      const close = text.indexOf(`)${text.slice(i + 2, open)}"`, open);
      const end = close < 0 ? n : close + (open - i - 2) + 2;
      if (strings) hide(i + 2, end - 1);
      i = end;
    } else if (language === 'cc' && /^[0-9a-fA-F]'\w$/.test(text.slice(i - 1, i + 2))) {
      i++; // a digit separator: 1'000
    } else if (c === '"' || c === "'") {
      let k = i + 1;
      while (k < n && text[k] !== c && text[k] !== '\n') k += text[k] === '\\' ? 2 : 1;
      if (strings) hide(i + 1, Math.min(k, n));
      i = k + 1;
    } else if (language === 'ts' && c === '`') {
      i = skipTemplate(i + 1);
    } else if (language === 'ts' && c === '{') {
      depth++;
      i++;
    } else if (language === 'ts' && c === '}') {
      depth--;
      i++;
      if (templates.length > 0 && templates.at(-1) === depth) {
        templates.pop();
        i = skipTemplate(i);
      }
    } else {
      i++;
    }
  }
  return out.join('');
}
