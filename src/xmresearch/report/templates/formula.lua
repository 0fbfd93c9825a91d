-- Hands every formula to typst's `formula`, which gives it a text for who listens.
function Math(it)
  local written = pandoc.write(pandoc.Pandoc({ pandoc.Para({ it }) }), "typst")
  return pandoc.RawInline("typst", "#formula(" .. written:gsub("%s+$", "") .. ")")
end
