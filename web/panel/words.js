/** The panel's texts: from the pack's locales, which ComfyUI serves as one object by language. */

/** @typedef {import('./types').Words} Words */

/**
 * Returns the function that gives a text in a language, in English where that lacks it, and its key where both do.
 *
 * `{name}` in a text takes a value. A text with the forms `one` and `other` takes the one that `values.count` asks for.
 * @param {Record<string, any>} messages by language, each with the group `goodseed`
 * @param {string} language as ComfyUI's setting has it: en, zh, zh-TW
 * @returns {Words}
 */
export function createWords(messages, language) {
  const languages = [language, language.split('-')[0], 'en']
  return (key, given) => {
    const values = /** @type {Record<string, string | number>} */ (given ?? {})
    for (const tried of languages) {
      const found = key.split('.').reduce((part, name) => part?.[name], messages[tried]?.goodseed)
      const text = typeof found === 'object' && found ? (found[form(tried, values.count)] ?? found.other) : found
      if (typeof text === 'string') return filled(text, values)
    }
    return key
  }
}

/** @param {string} language @param {string | number | undefined} count */
function form(language, count) {
  return new Intl.PluralRules(language).select(Number(count ?? 0))
}

/** @param {string} text @param {Record<string, string | number>} values */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole))
}
