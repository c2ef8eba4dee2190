# The tables and the page of `run`, which reads this file. What was measured is in "$work": the lines of a
# program in <contestant>.lines, what became of a mistake in <contestant>.<mistake>, a "key<TAB>value" a line.

# On a copy, so that the page is as it was where a part cannot be written.
write_page() {
    cp "$page" "$work/page"
    versions | replace versions
    table_of_lines | markdown | replace lines
    table_of_mistakes | markdown | replace mistakes
    words | replace words
    local contestant
    for contestant in "${contestants[@]}"; do
        { echo '```rust' && cat "$contestant/src/main.rs" && echo '```'; } | replace "$contestant"
    done
    cp "$work/page" "$page"
}

# Puts its input between the two comments of a name in the copy of the page.
replace() {
    grep -qxF "<!-- $1 -->" "$work/page" && grep -qxF "<!-- /$1 -->" "$work/page" ||
        fail "docs/comparison.md needs a line \`<!-- $1 -->\` and a line \`<!-- /$1 -->\`, to write between them"
    cat >"$work/part"
    awk -v open="<!-- $1 -->" -v close_="<!-- /$1 -->" -v part="$work/part" '
        $0 == close_ { inside = 0 }
        !inside
        $0 == open { inside = 1; print ""; while ((getline line < part) > 0) print line; print "" }
    ' "$work/page" >"$work/next"
    mv "$work/next" "$work/page"
}

versions() {
    local contestant crate list=''
    for contestant in "${contestants[@]:1}"; do
        for crate in "$contestant" $([[ $contestant != apalis ]] || echo apalis-postgres); do
            list+=", \`$crate\` $(version_of "$crate")"
        done
    done
    printf 'Measured on %s with %s: `simple-queue` %s%s.\n' "$(date -u +%F)" \
        "$(rustc --version | cut -d ' ' -f 1,2)" "$(version_of simple-queue)" "$list"
}

version_of() {
    awk -v name="$1" -F '"' '$1 == "name = " { ours = $2 == name } ours && $1 == "version = " { print $2 }' \
        Cargo.lock
}

# The tables are made with tabs, a row a line, the first row the head.
table_of_lines() {
    local part contestant name
    head_row ""
    for part in "${parts[@]}" Total Characters; do
        name=${part,}
        case $part in
            Total) name="**together**" ;;
            Characters) name="characters, spaces apart" ;;
        esac
        printf '%s' "$name"
        for contestant in "${contestants[@]}"; do
            name=$(field "$work/$contestant.lines" "$part")
            [[ $part != Total ]] || name="**$name**"
            printf '\t%s' "$name"
        done
        echo
    done
}

table_of_mistakes() {
    local mistake contestant words number=0
    head_row "mistake"
    for mistake in "${mistakes[@]}"; do
        number=$((number + 1))
        printf '%s. %s' "$number" "${mistake#*|}"
        for contestant in "${contestants[@]}"; do
            words=$(verdict "$work/$contestant.${mistake%%|*}")
            printf '\t%s' "${words/not caught/**not caught**}"
        done
        echo
    done
    printf '**caught**, of those that can be made'
    for contestant in "${contestants[@]}"; do
        printf '\t**%s of %s**' "$(tally "$contestant" found "error warning")" \
            "$(tally "$contestant" found "error warning nothing")"
    done
    printf '\nof these, at the wrong word'
    for contestant in "${contestants[@]}"; do
        printf '\t%s' "$(tally "$contestant" place there)"
    done
    echo
}

head_row() {
    printf '%s' "$1"
    printf '\t%s' "${contestants[@]}"
    echo
}

markdown() {
    awk -F '\t' '
        { printf "|"; for (i = 1; i <= NF; i++) printf " %s |", $i; print "" }
        NR == 1 { printf "|"; for (i = 1; i <= NF; i++) printf "---|"; print "" }
    '
}

# What each library says to each mistake, or what happens where it says nothing.
words() {
    local mistake contestant number=0
    for mistake in "${mistakes[@]}"; do
        number=$((number + 1))
        ((number == 1)) || echo
        printf '**%s. %s**\n\n' "$number" "${mistake#*|}"
        for contestant in "${contestants[@]}"; do
            printf -- '- `%s`: %s\n' "$contestant" "$(words_of "$contestant" "${mistake%%|*}")"
        done
    done
}

words_of() {
    local file=comparison/$1/mistakes/$2 said
    case $(field "$work/$1.$2" found) in
        lacking) echo "– $(field "$work/$1.$2" note)" ;;
        nothing) echo "**nothing**; [it compiles]($file.rs), and $(header "$1/mistakes/$2.rs" Otherwise)" ;;
        *)
            said=$(field "$work/$1.$2" said)
            echo "“$said” ([all of it]($file.stderr))"
            ;;
    esac
}

print_results() {
    printf '\n%sLines of code%s\n' "$bold" "$plain"
    table_of_lines | aligned
    printf '\n%sCaught while compiling%s\n' "$bold" "$plain"
    table_of_mistakes | aligned
    printf '\nWritten into %s.\n' "docs/comparison.md"
}

# bash counts the width of a cell in characters, where awk may count bytes.
aligned() {
    local -a rows widths cells
    local row i
    mapfile -t rows < <(tr -d '*`')
    for row in "${rows[@]}"; do
        IFS=$'\x1f' read -ra cells <<<"${row//$'\t'/$'\x1f'}"
        for i in "${!cells[@]}"; do
            ((${#cells[i]} > ${widths[i]:-0})) && widths[i]=${#cells[i]}
        done
    done
    for row in "${rows[@]}"; do
        IFS=$'\x1f' read -ra cells <<<"${row//$'\t'/$'\x1f'}"
        printf ' '
        for i in "${!cells[@]}"; do
            printf ' %s%*s' "${cells[i]}" $((widths[i] - ${#cells[i]} + 1)) ''
        done
        echo
    done | sed "s/ *$//"
}

# How many mistakes of a contestant have a field of one of the given values.
tally() {
    local contestant=$1 key=$2 values=$3 mistake total=0
    for mistake in "${mistakes[@]}"; do
        if [[ " $values " == *" $(field "$work/$contestant.${mistake%%|*}" "$key") "* ]]; then
            total=$((total + 1))
        fi
    done
    echo "$total"
}
