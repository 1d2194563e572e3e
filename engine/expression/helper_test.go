package expression

// Template checks and compiles a template.
func (s *Scope) Template(text string) (*Template, []Problem) {
	return compiled(s.CheckTemplate(text))
}

// MentionTemplate checks and compiles a template that may mention people.
func (s *Scope) MentionTemplate(text string) (*Template, []Problem) {
	return compiled(s.CheckMentionTemplate(text))
}

func compiled(tree *TemplateTree, problems []Problem) (*Template, []Problem) {
	if tree == nil {
		return nil, problems
	}
	return tree.Template(), nil
}
